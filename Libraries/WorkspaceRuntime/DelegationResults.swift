import EventLoop
import Observability
import Synchronization

/// Looks for results of delegations after each beat, writes them down, wakes the agent and tells its person.
///
/// One message a minute wakes the agent; results that come in between wait for the next one. Telling happens beside
/// the heartbeats, and waking beside notifying, because the agent may take minutes to answer its own message.
final class DelegationResults: Sendable {
    private struct State {
        var isLoaded = false
        var seen: Set<String> = []
        /// Written down, but the agent was not woken for them. Oldest first.
        var unannounced: [Delegation] = []
        var unnotified: [Delegation] = []
        var lastWake: ContinuousClock.Instant?
        /// So that someone else's result is warned about once.
        var foreign: Set<String> = []
    }

    private let platform: PlatformClient
    private let file: DelegationResultsFile
    private let wakeInterval: Duration
    private let loop: EventLoop
    private let logger: Logger
    private let notifying = OneAtATime()
    private let waking = OneAtATime()
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

    /// Takes in what is new and passes on what is due. One call at a time.
    func collect() async {
        loadOnce()
        do throws(PlatformError) {
            takeIn(try await platform.delegations())
        } catch {
            logger.debug("delegations were not listed", [.error: .error(error)])
        }
        notifying.run(on: loop) { await self.notifyPerson() }
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
            state.unannounced = contents.results.filter { !woken.contains($0.id) }
            state.unnotified = contents.results.filter { !notified.contains($0.id) }
        }
    }

    private func takeIn(_ entries: [Delegation]) {
        state.withLock { state in
            let selection = DelegationSelection(entries, seen: state.seen, workspaceID: platform.id)
            for entry in selection.foreign where state.foreign.insert(entry.id).inserted {
                logger.warning("ignored another workspace's result", [.delegationID: .string(entry.id)])
            }
            guard !selection.fresh.isEmpty else { return }
            do {
                try file.append(selection.fresh)
            } catch {
                // Not seen, then: the next beat finds them again.
                logger.error("delegation results could not be written", [.error: .error(error)])
                return
            }
            state.seen.formUnion(selection.fresh.map(\.id))
            state.unannounced += selection.fresh
            state.unnotified += selection.fresh
        }
    }

    private func mayWake(_ state: State) -> Bool {
        state.lastWake.map { ContinuousClock.now - $0 >= wakeInterval } ?? true
    }

    private func wakeAgent() async {
        let batch = state.withLock { state -> [Delegation] in
            guard !state.unannounced.isEmpty, mayWake(state) else { return [] }
            state.lastWake = .now
            return state.unannounced
        }
        guard !batch.isEmpty else { return }
        do throws(PlatformError) {
            try await platform.sendToSelf(DelegationSelection.wakeMessage(batch))
        } catch {
            // An agent that is still at it after two minutes was woken all right, and one that answers with an error
            // too; the rest is tried again.
            guard error.mayHaveArrived || (error.kind == .refused && error.status == 200) else {
                return logger.warning("the agent was not woken for its results", [.error: .error(error)])
            }
        }
        told(.woken, batch)
    }

    private func notifyPerson() async {
        for result in state.withLock({ $0.unnotified }) {
            do throws(PlatformError) {
                try await platform.notify(DelegationSelection.personMessage(result), type: "delegation_result")
            } catch {
                // Once is promised: what may have been shown is not shown again.
                if error.isRetryable, !error.mayHaveArrived { return }
            }
            told(.notified, [result])
        }
    }

    private func told(_ step: DelegationResultsFile.Step, _ results: [Delegation]) {
        let ids = Set(results.map(\.id))
        state.withLock { state in
            switch step {
            case .woken: state.unannounced.removeAll { ids.contains($0.id) }
            case .notified: state.unnotified.removeAll { ids.contains($0.id) }
            }
        }
        do {
            try file.record(step, results.map(\.id))
        } catch {
            logger.warning("a restarted agent will tell some results again", [.error: .error(error)])
        }
    }
}
