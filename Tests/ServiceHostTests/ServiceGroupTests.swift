import Foundation
import Observability
import ServiceLifecycle
import Synchronization
import Testing
import TestSupport
import UVLoop

@Suite(.timeLimit(.minutes(5))) struct ServiceGroupTests {
    /// What happened, in order.
    final class Journal: Sendable {
        private let entries = Mutex<[String]>([])
        func add(_ entry: String) { entries.withLock { $0.append(entry) } }
        var all: [String] { entries.withLock { $0 } }
    }

    struct Failure: Error {}

    /// Notes when it is requested to stop and when it has stopped.
    private func recorder(_ name: String, _ journal: Journal, started: ShutdownSignal = ShutdownSignal()) -> any Service
    {
        ServiceFunction(name) { shutdown in
            started.give()
            await shutdown.wait()
            journal.add("\(name) told")
            await Task.yield()
            journal.add("\(name) stopped")
        }
    }

    private func group(_ services: [any Service], grace: Duration = .seconds(30), _ lines: LogLines? = nil)
        -> ServiceGroup
    {
        let logger = lines.map { Logger(service: "test", output: $0.output) } ?? .disabled
        return ServiceGroup(services: services, grace: grace, logger: logger, handlesSignals: false)
    }

    @Test func startsInTheOrderGiven() async {
        let loops = EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let journal = Journal()
        let names = (0..<20).map { "service \($0)" }
        let group = ServiceGroup(
            services: names.map { name in
                ServiceFunction(name) { shutdown in
                    journal.add(name)
                    await shutdown.wait()
                }
            }, logger: .disabled, executor: loops.loops[0], handlesSignals: false)
        group.shutdownBegan.give()
        #expect(await group.run() == 0)
        #expect(journal.all == names)
    }

    @Test func stopsInReverseOneAfterTheOther() async {
        let journal = Journal()
        let group = group(["pool", "cache", "server"].map { recorder($0, journal) })
        group.shutdownBegan.onShutdown { journal.add("shutdown") }
        group.shutdownBegan.give()
        #expect(await group.run() == 0)
        #expect(
            journal.all == [
                "shutdown", "server told", "server stopped", "cache told", "cache stopped", "pool told", "pool stopped",
            ])
    }

    @Test func cancelsServicesThatKnowOnlyCancellation() async {
        struct Plain: Service {
            let name = "plain"
            let journal: Journal
            func run() async throws {
                await ShutdownSignal().wait()
                journal.add("cancelled \(Task.isCancelled)")
                try Task.checkCancellation()
            }
        }
        let journal = Journal()
        let group = group([Plain(journal: journal), recorder("server", journal)])
        group.shutdownBegan.give()
        #expect(await group.run() == 0)
        #expect(journal.all == ["server told", "server stopped", "cancelled true"])
    }

    @Test func aFailureTakesTheOthersDown() async throws {
        let (journal, lines) = (Journal(), LogLines())
        let started = ShutdownSignal()
        let failing = ServiceFunction("failing") { _ in
            await started.wait()
            throw Failure()
        }
        #expect(await group([recorder("pool", journal, started: started), failing], lines).run() == 1)
        #expect(journal.all == ["pool told", "pool stopped"])
        let line = try #require(try lines.objects().first { $0["level"] as? String == "error" })
        #expect(line["msg"] as? String == "service failed" && line["name"] as? String == "failing")
        #expect(line["error"] as? String == "Failure()")
    }

    /// A failure that ends a part of a service before it is requested to stop.
    enum EarlyEnd: CaseIterable { case throwing, returning }

    @Test(
        "A part that ends early takes the program down, though its service waits for the shutdown",
        arguments: EarlyEnd.allCases)
    func aPartThatEndsEarlyIsAFailure(_ end: EarlyEnd) async throws {
        let journal = Journal()
        let started = ShutdownSignal()
        let service = ServiceFunction("consumer") { shutdown in
            try await shutdown.cancelling {
                await started.wait()
                if end == .throwing { throw Failure() }
            }
        }
        #expect(await group([recorder("pool", journal, started: started), service]).run() == 1)
        #expect(journal.all == ["pool told", "pool stopped"])
    }

    @Test func aPartIsCancelledByTheShutdownAndWaitedFor() async {
        let journal = Journal()
        let service = ServiceFunction("consumer") { shutdown in
            try await shutdown.cancelling {
                await ShutdownSignal().wait()
                await Task.yield()
                journal.add("ended")
                try Task.checkCancellation()
            }
            journal.add("returned")
        }
        let group = group([service])
        group.shutdownBegan.give()
        #expect(await group.run() == 0)
        #expect(journal.all == ["ended"])
    }

    @Test func aServiceThatEndsUnrequestedIsAFailure() async throws {
        let lines = LogLines()
        #expect(await group([ServiceFunction("short") { _ in }], lines).run() == 1)
        #expect(try lines.objects().contains { $0["msg"] as? String == "service ended without being asked to" })
    }

    @Test func cancelsWhatOutlastsTheGracePeriod() async throws {
        let (journal, lines) = (Journal(), LogLines())
        let slow = ServiceFunction("slow") { shutdown in
            await shutdown.wait()
            await ShutdownSignal().wait()  // until it is cancelled
            journal.add("slow cancelled")
        }
        let group = group([recorder("pool", journal), slow], grace: .milliseconds(50), lines)
        group.shutdownBegan.give()
        #expect(await group.run() == 0)
        #expect(journal.all == ["slow cancelled", "pool told", "pool stopped"])
        #expect(try lines.objects().contains { $0["msg"] as? String == "service did not stop in time, cancelling it" })
    }

    /// However many there are: who started the program waits for its end no longer than that.
    @Test func theGracePeriodIsForAllOfThemTogether() async {
        let journal = Journal()
        let slow = (0..<20).map { number in
            ServiceFunction("slow \(number)") { _ in
                await ShutdownSignal().wait()  // until it is cancelled
                journal.add("\(number)")
            }
        }
        let group = group(slow, grace: .seconds(1))
        group.shutdownBegan.give()
        let start = ContinuousClock.now
        #expect(await group.run() == 0)
        let taken = start.duration(to: .now)
        #expect(taken >= .seconds(1) && taken < .seconds(15), "\(taken)")
        #expect(journal.all == (0..<20).reversed().map { "\($0)" })
    }

    @Test func leavesBehindWhatDoesNotEvenObeyCancellation() async throws {
        let (lines, release) = (LogLines(), ShutdownSignal())
        let stuck = ServiceFunction("stuck") { _ in
            await withCheckedContinuation { continuation in release.onShutdown { continuation.resume() } }
        }
        let group = group([stuck], grace: .milliseconds(10), lines)
        group.shutdownBegan.give()
        #expect(await group.run() == 1)
        #expect(try lines.objects().contains { $0["msg"] as? String == "service does not stop, leaving it behind" })
        release.give()
    }

    @Test func notifiesAllWaitersOfTheSignal() async {
        let signal = ShutdownSignal()
        let journal = Journal()
        let registration = signal.onShutdown { journal.add("taken back") }
        signal.onShutdown { journal.add("first") }
        registration.cancel()
        let waiting = Task { await signal.wait() }
        let cancelled = Task { await ShutdownSignal().wait() }
        cancelled.cancel()
        await cancelled.value
        #expect(!signal.isGiven)
        signal.give()
        signal.give()
        await waiting.value
        signal.onShutdown { journal.add("late") }
        #expect(signal.isGiven && journal.all == ["first", "late"])
    }
}
