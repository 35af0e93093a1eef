import Observability
import Synchronization
import UVLoop

/// Polls for results of delegations after each heartbeat, stores them, wakes the agent and notifies its user.
///
/// At most one message a minute wakes the agent; results that arrive in between are batched into the next one.
/// Notifying and waking run in tasks of their own, because the agent may take minutes to reply to its own message.
final class DelegationResults: Sendable {
    private struct State {
        var isLoaded = false
        var seen: Set<String> = []
        /// Stored, but the agent was not woken for them. Oldest first.
        var pendingWake: [Delegation] = []
        var pendingNotification: [Delegation] = []
        var lastWake: ContinuousClock.Instant?
        /// Ids of other workspaces' results, so that each is logged once.
        var foreign: Set<String> = []
    }

    private let platform: PlatformClient
    private let file: DelegationResultsFile
    private let wakeInterval: Duration
    private let loop: EventLoop
    private let logger: Logger
    private let notifying = CoalescingRunner()
    private let waking = CoalescingRunner()
    private let state = Mutex(State())

    init(
        platform: PlatformClient, file: DelegationResultsFile, wakeInterval: Duration = .seconds(60),
        loop: EventLoop, logger: Logger
    ) {
        self.platform = platform
        self.file = file
        self.wakeInterval = wakeInterval
        self.loop = loop
        self.logger = logger
    }

    /// Stores new results and starts the due notifications. One call at a time.
    func collect() async {
        loadOnce()
        do throws(PlatformError) {
            ingest(try await platform.delegations())
        } catch {
            logger.debug("delegations could not be listed", [.error: .error(error)])
        }
        notifying.run(on: loop) { await self.notifyUserOfResults() }
        waking.run(on: loop) { await self.wakeAgent() }
    }

    private func loadOnce() {
        state.withLock { state in
            guard !state.isLoaded else { return }
            state.isLoaded = true
            let contents = file.load()
            let woken = contents.told[.woken] ?? []
            let notified = contents.told[.notified] ?? []
            state.seen = woken.union(notified).union(contents.results.map(\.id))
            state.pendingWake = contents.results.filter { !woken.contains($0.id) }
            state.pendingNotification = contents.results.filter { !notified.contains($0.id) }
        }
    }

    private func ingest(_ entries: [Delegation]) {
        state.withLock { state in
            let selection = DelegationSelection(entries, seen: state.seen, workspaceID: platform.id)
            for entry in selection.foreign where state.foreign.insert(entry.id).inserted {
                logger.warning("ignored another workspace's result", [.delegationID: .string(entry.id)])
            }
            guard !selection.fresh.isEmpty else { return }
            do {
                try file.append(selection.fresh)
            } catch {
                // They are not marked as seen: the next heartbeat finds them again.
                logger.error("delegation results could not be written", [.error: .error(error)])
                return
            }
            state.seen.formUnion(selection.fresh.map(\.id))
            state.pendingWake += selection.fresh
            state.pendingNotification += selection.fresh
        }
    }

    private func mayWake(_ state: State) -> Bool {
        state.lastWake.map { ContinuousClock.now - $0 >= wakeInterval } ?? true
    }

    private func wakeAgent() async {
        let batch = state.withLock { state -> [Delegation] in
            guard !state.pendingWake.isEmpty, mayWake(state) else { return [] }
            state.lastWake = .now
            return state.pendingWake
        }
        guard !batch.isEmpty else { return }
        do throws(PlatformError) {
            try await platform.sendToSelf(DelegationSelection.wakeMessage(batch))
        } catch {
            // An agent that is still working after two minutes, or that replies with an error, was woken, too; other
            // failures are retried.
            guard error.mayHaveArrived || (error.kind == .refused && error.status == 200) else {
                return logger.warning("the agent was not woken for its results", [.error: .error(error)])
            }
        }
        markDone(.woken, batch)
    }

    private func notifyUserOfResults() async {
        for result in state.withLock({ $0.pendingNotification }) {
            do throws(PlatformError) {
                try await platform.notify(DelegationSelection.userMessage(result), type: "delegation_result")
            } catch {
                // At most once: a notification that may have been delivered is not repeated.
                if error.isRetryable, !error.mayHaveArrived { return }
            }
            markDone(.notified, [result])
        }
    }

    private func markDone(_ step: DelegationResultsFile.Step, _ results: [Delegation]) {
        let ids = Set(results.map(\.id))
        state.withLock { state in
            switch step {
            case .woken: state.pendingWake.removeAll { ids.contains($0.id) }
            case .notified: state.pendingNotification.removeAll { ids.contains($0.id) }
            }
        }
        do {
            try file.record(step, results.map(\.id))
        } catch {
            logger.warning("a restarted agent will announce some results again", [.error: .error(error)])
        }
    }
}
