import Contracts
import Foundation
import Observability
import Testing
import TestSupport
import UVLoop

@testable import Notifier

@Suite("What goes to viewers")
struct EventHubTests {
    private let memory = StreamMemory(limit: 64 << 20)

    private func hub(_ loops: [EventLoop]) async -> EventHub {
        let hub = EventHub(loops: loops, memory: memory, metrics: MetricsRegistry(includesProcess: false))
        await hub.publish([], upTo: .start)
        return hub
    }

    private func viewer(_ writer: ScriptedWriter, _ filter: StreamFilter = StreamFilter(), on loop: EventLoop) -> Viewer
    {
        let viewer = Viewer(filter: filter, writer: writer, on: loop, in: memory)
        writer.report(to: viewer)
        return viewer
    }

    private func position(_ number: Int) -> LogPosition { LogPosition(transaction: 5, sequence: Int64(number)) }

    private func entries(_ numbers: ClosedRange<Int>, workspace: UUID? = nil) -> [LogEntry] {
        numbers.map { LogEntry(position: position($0), event: .numbered($0, workspace: workspace)) }
    }

    @Test("is not passed on, and stays in the log, until the position of a viewing agent is known")
    func agents() async throws {
        try await withViewerLoop { loop in
            let (hub, agent, writer) = (await hub([loop]), UUID(), ScriptedWriter())
            let viewer = viewer(writer, StreamFilter(agent: agent), on: loop)
            #expect(hub.attachNow(viewer))
            let entries = entries(1...1, workspace: agent)
            #expect(await !hub.publish(entries, upTo: position(1)))
            #expect(hub.position == .start)
            #expect(await hub.publish(entries, upTo: position(1), covering: [agent]))
            #expect(hub.position == position(1))
            #expect(writer.numbers == [1])
            hub.detach(viewer)
            #expect(await hub.publish(self.entries(2...2, workspace: agent), upTo: position(2)))
        }
    }

    @Test("events that come together are written together, the same bytes to all who see the same of them")
    func together() async throws {
        try await withViewerLoop { loop in
            let hub = await hub([loop])
            let (one, other) = (UUID(), UUID())
            let all = (0..<3).map { _ in ScriptedWriter() }
            let some = (0..<3).map { _ in ScriptedWriter() }
            let socket = ScriptedWriter(.webSocket)
            let viewers =
                (all + [socket]).map { viewer($0, on: loop) }
                + some.map { viewer($0, StreamFilter(workspace: one), on: loop) }
            for viewer in viewers { #expect(hub.attachNow(viewer)) }
            await hub.publish(transient: (1...100).map { .numbered($0, workspace: $0 % 2 == 0 ? one : other) })
            for writer in all { #expect(writer.writes.count == 1 && writer.numbers == Array(1...100)) }
            for writer in some { #expect(writer.writes.count == 1 && writer.numbers == (1...50).map { $0 * 2 }) }
            #expect(socket.writes.count == 1)
            // What several handlers of messages publish on at once goes together as well.
            await withTaskGroup(of: Void.self) { tasks in
                for number in 101...120 {
                    tasks.addTask(executorPreference: loop) { await hub.publish(transient: [.numbered(number)]) }
                }
            }
            #expect(all[0].numbers.suffix(20).sorted() == Array(101...120))
            #expect(all[0].writes.count < 10, "\(all[0].writes.count)")
            #expect(memory.bytes == 0)
            for viewer in viewers { hub.detach(viewer) }
        }
    }

    @Test("a viewer that comes while a piece of the log is being passed on has it once, from there or from the log")
    func comes() async throws {
        try await withViewerLoop { loop in
            let hub = await hub([loop])
            let early = ScriptedWriter()
            var viewers = [viewer(early, on: loop)]
            #expect(hub.attachNow(viewers[0]))
            let (upToFive, now, behind) = (ScriptedWriter(), ScriptedWriter(), ScriptedWriter())
            for writer in [upToFive, now, behind] { viewers.append(viewer(writer, on: loop)) }
            let last = viewers
            // The first of the early viewer's events is on its way, the others wait.
            early.onSend = {
                early.onSend = nil
                // The hub has dispatched up to 10.
                #expect(!hub.attach(last[1], at: self.position(5)))
                #expect(hub.attach(last[1], at: self.position(10)))
                #expect(hub.attachNow(last[2]))
            }
            await hub.publish(entries(1...10), upTo: position(10))
            #expect(!hub.attach(last[3], at: position(9)))
            #expect(hub.attach(last[3], at: position(12)))
            await hub.publish(entries(11...14), upTo: position(14))
            #expect(early.numbers == Array(1...14))
            #expect(upToFive.numbers == Array(11...14))
            #expect(now.numbers == Array(11...14))
            // It has had two of them from the log.
            #expect(behind.numbers == [13, 14])
            for viewer in viewers { hub.detach(viewer) }
        }
    }

    @Test("goes to the viewers of every loop, encoded once")
    func loops() async throws {
        let group = EventLoopGroup(count: 3)
        defer { group.shutdown() }
        let hub = await hub(group.loops)
        let writers = group.loops.map { _ in ScriptedWriter() }
        var viewers: [Viewer] = []
        for (loop, writer) in zip(group.loops, writers) {
            let viewer = viewer(writer, on: loop)
            viewers.append(viewer)
            #expect(await Task(executorPreference: loop) { hub.attachNow(viewer) }.value)
        }
        await hub.publish(transient: (1...50).map { .numbered($0) })
        // The hub has waited for all of them, and no writer is left.
        for writer in writers { #expect(writer.numbers == Array(1...50)) }
        let event = try #require(StreamEvent(.numbered(1), in: memory))
        #expect(event.bytes(as: .webSocket) === event.bytes(as: .webSocket))
        for (loop, viewer) in zip(group.loops, viewers) {
            await Task(executorPreference: loop) { hub.detach(viewer) }.value
        }
    }

    @Test("does not keep the loop from its other work, however many viewers there are")
    func givesWay() async throws {
        try await withViewerLoop { loop in
            let hub = await hub([loop])
            let writers = (0..<2000).map { _ in ScriptedWriter() }
            let viewers = writers.map { viewer($0, on: loop) }
            for (writer, viewer) in zip(writers, viewers) {
                // As long as a system call takes.
                writer.onSend = {
                    let end = ContinuousClock.now + .microseconds(20)
                    while ContinuousClock.now < end {}
                }
                #expect(hub.attachNow(viewer))
            }
            let passing = Task(executorPreference: loop) { await hub.publish(transient: [.numbered(1)]) }
            var iterations = 0
            // 40 ms of work in pieces of half a millisecond.
            while writers[1999].writes.isEmpty {
                iterations += 1
                await Task.yield()
            }
            await passing.value
            #expect(iterations > 20, "\(iterations)")
            for viewer in viewers { hub.detach(viewer) }
        }
    }

    @Test("viewers that leave during a dispatch take no other viewer's events")
    func goes() async throws {
        try await withViewerLoop { loop in
            let hub = await hub([loop])
            let writers = (0..<50).map { _ in ScriptedWriter() }
            let viewers = writers.map { viewer($0, on: loop) }
            for viewer in viewers {
                viewer.onClose = { [unowned viewer] in hub.detach(viewer) }
                #expect(hub.attachNow(viewer))
            }
            // The tenth sees the fifth, itself and the thirtieth go.
            writers[10].onSend = { for number in [5, 10, 30] { viewers[number].close() } }
            await hub.publish(transient: [.numbered(1)])
            for (number, writer) in writers.enumerated() {
                #expect(writer.numbers == (number == 30 ? [] : [1]), "\(number)")
            }
            writers[10].onSend = nil
            await hub.publish(transient: [.numbered(2)])
            for (number, writer) in writers.enumerated() {
                let isGone = [5, 10, 30].contains(number)
                #expect(writer.numbers == (number == 30 ? [] : isGone ? [1] : [1, 2]), "\(number)")
            }
            for viewer in viewers { viewer.close() }
        }
    }
}
