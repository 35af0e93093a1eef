import Contracts
import Foundation
import JSONBytes
import Observability
import Testing
import TestSupport
import UVLoop

@testable import Notifier

@Suite("What waits for viewers")
struct ViewerTests {
    private let memory = StreamMemory(limit: 1 << 20)

    private func event(_ number: Int, bytes: Int = 10, workspace: UUID? = nil) -> CloudEvent {
        .numbered(number, bytes: bytes, workspace: workspace)
    }

    private func hub(_ loop: EventLoop, _ memory: StreamMemory? = nil, stallTimeout: UInt64 = 3_000) async -> EventHub {
        let hub = EventHub(
            loops: [loop], memory: memory ?? self.memory, metrics: MetricsRegistry(includesProcess: false),
            stallTimeout: stallTimeout)
        await hub.publish([], upTo: .start)
        return hub
    }

    private func viewer(_ writer: ScriptedWriter, _ filter: StreamFilter = StreamFilter(), on loop: EventLoop) -> Viewer
    {
        let viewer = Viewer(filter: filter, writer: writer, on: loop, in: memory)
        writer.report(to: viewer)
        return viewer
    }

    @Test("is bounded by number; the gap is reported at its position, and nothing is queued behind it before")
    func bounded() async throws {
        try await withViewerLoop { loop in
            let (hub, writer) = (await hub(loop), ScriptedWriter(isSlow: true))
            let viewer = viewer(writer, on: loop)
            #expect(hub.attachNow(viewer))
            await hub.publish(transient: (1...Viewer.capacity).map { event($0) })
            await hub.publish(transient: [event(1000)])
            #expect(writer.numbers == [])
            writer.drain()
            #expect(writer.numbers == Array(1...Viewer.capacity))
            // There is capacity now, but this would precede the notice of the gap before it.
            await hub.publish(transient: [event(1001)])
            writer.drain()
            #expect(writer.numbers == Array(1...Viewer.capacity) + [-2])
            writer.drainAll()
            await hub.publish(transient: [event(1002)])
            #expect(writer.numbers == Array(1...Viewer.capacity) + [-2, 1002])
            hub.detach(viewer)
        }
    }

    @Test("is bounded by bytes, but for one event of any size, and comes in pieces")
    func bytes() async throws {
        try await withViewerLoop { loop in
            let (hub, writer) = (await hub(loop, StreamMemory(limit: 16 << 20)), ScriptedWriter(isSlow: true))
            let viewer = viewer(writer, on: loop)
            #expect(hub.attachNow(viewer))
            await hub.publish(transient: [event(1, bytes: 2 << 20)])
            await hub.publish(transient: [event(2)])
            for count in 1...32 {
                writer.drain()
                #expect(writer.writes.count == count && writer.writes[count - 1].count == EventBytes.piece)
                // Nothing else comes between the pieces of an event.
                viewer.tick(loop.nowMilliseconds + 100_000)
                #expect(writer.pings == 0)
            }
            writer.drainAll()
            #expect(writer.numbers == [1, -1])
            writer.isSlow = true
            await hub.publish(transient: (3...9).map { event($0, bytes: 20_000) })
            // Three fit into a piece.
            #expect(writer.numbers == [1, -1, 3, 4, 5])
            writer.drain()
            #expect(writer.numbers == [1, -1, 3, 4, 5, 6, 7, 8])
            writer.drain()
            #expect(writer.numbers == [1, -1, 3, 4, 5, 6, 7, 8, 9])
            hub.detach(viewer)
        }
    }

    @Test("is one copy of each event for all of them, gone when the last has it")
    func shared() async throws {
        try await withViewerLoop { loop in
            let (hub, writers) = (await hub(loop), (0..<100).map { _ in ScriptedWriter(isSlow: true) })
            let viewers = writers.map { viewer($0, on: loop) }
            for viewer in viewers { #expect(hub.attachNow(viewer)) }
            for number in 1...10 { await hub.publish(transient: [event(number, bytes: 10_000)]) }
            #expect(memory.bytes > 100_000 && memory.bytes < 120_000, "\(memory.bytes)")
            for writer in writers {
                writer.drainAll()
                #expect(writer.numbers == Array(1...10))
            }
            #expect(memory.bytes == 0)
            for viewer in viewers { hub.detach(viewer) }
            let unwanted = viewer(ScriptedWriter(), StreamFilter(workspace: UUID()), on: loop)
            #expect(hub.attachNow(unwanted))
            await hub.publish(transient: [event(11, workspace: UUID())])
            #expect(memory.bytes == 0)
            hub.detach(unwanted)
        }
    }

    @Test("is dropped, and reported, where the total is too much: the slowest first, and none who is ready")
    func givenUp() async throws {
        try await withViewerLoop { loop in
            let (hub, slow, quick) = (await hub(loop), ScriptedWriter(isSlow: true), ScriptedWriter())
            let viewers = [slow, quick].map { viewer($0, on: loop) }
            for viewer in viewers { #expect(hub.attachNow(viewer)) }
            for number in 1...200 {
                await hub.publish(transient: [event(number, bytes: 20_000)])
                #expect(memory.bytes <= 1 << 20)
            }
            #expect(quick.numbers == Array(1...200))
            slow.drainAll()
            // Whatever it had, it knows how many it has not.
            let (had, dropped) = (slow.numbers.filter { $0 > 0 }, slow.numbers.filter { $0 < 0 }.reduce(0, -))
            #expect(had.count + dropped == 200 && dropped > 0, "\(slow.numbers)")
            for viewer in viewers { hub.detach(viewer) }
        }
    }

    @Test("bytes in flight cannot be dropped: who reads none of them for long is cut off, and no more than must")
    func onItsWay() async throws {
        try await withViewerLoop { loop in
            let writers = (0..<3).map { _ in ScriptedWriter() }
            let (hub, first, second, ready) = (await hub(loop, stallTimeout: 1_000), writers[0], writers[1], writers[2])
            let viewers = writers.map { viewer($0, on: loop) }
            for viewer in viewers {
                viewer.onClose = { [unowned viewer] in hub.detach(viewer) }
                #expect(hub.attachNow(viewer))
            }
            first.isSlow = true
            await hub.publish(transient: [event(1, bytes: 1_500_000)])
            let sent = loop.nowMilliseconds
            #expect(first.writes.count == 1 && second.numbers == [1] && ready.numbers == [1])
            // What is on its way to it is counted beside the event.
            #expect(memory.bytes > 1_500_000 + EventBytes.piece && !memory.isOverfull)
            try await eventually("its time to be over") { loop.nowMilliseconds > sent + 1_000 }
            // Who has taken a part of it has not stood still.
            first.takenBytes = 1
            viewers[0].tick(loop.nowMilliseconds)
            #expect(!viewers[0].isStalled(since: loop.nowMilliseconds - 1_000))
            let moved = loop.nowMilliseconds
            try await eventually("its time to be over again") { loop.nowMilliseconds > moved + 1_000 }
            viewers[0].tick(loop.nowMilliseconds)
            second.isSlow = true
            await hub.publish(transient: [event(2, bytes: 1_500_000)])
            // The second one has only just been sent something.
            #expect(first.isFinished && !second.isFinished && !memory.isOverfull)
            await hub.publish(transient: [event(3)])
            #expect(ready.numbers == [1, 2, 3])
            second.drainAll()
            #expect(second.numbers == [1, 2, -1])
            #expect(memory.bytes == 0)
            for viewer in viewers { viewer.close() }
        }
    }

    @Test("copies that are on their way to clients take nothing from what waits for others")
    func copies() async throws {
        try await withViewerLoop { loop in
            let writers = (0..<20).map { _ in ScriptedWriter() }
            let (hub, behind) = (await hub(loop), ScriptedWriter(isSlow: true))
            let viewers = (writers + [behind]).map { viewer($0, on: loop) }
            for viewer in viewers { #expect(hub.attachNow(viewer)) }
            for writer in writers { writer.isSlow = true }
            await hub.publish(transient: [event(1, bytes: 60_000)])
            // Twenty of them are more than the memory for events, and less than twice as much.
            #expect(memory.bytes > 1 << 20 && !memory.isFull && !memory.isOverfull)
            await hub.publish(transient: [event(2)])
            behind.drainAll()
            #expect(behind.numbers == [1, 2])
            for writer in writers { writer.drainAll() }
            #expect(memory.bytes == 0)
            for viewer in viewers { hub.detach(viewer) }
        }
    }

    @Test("a stream that is to end does so when its client has what was sent, and takes nothing more")
    func ends() async throws {
        try await withViewerLoop { loop in
            let (hub, writer) = (await hub(loop), ScriptedWriter())
            let viewer = viewer(writer, on: loop)
            var closed = 0
            viewer.onClose = { [unowned viewer] in
                closed += 1
                hub.detach(viewer)
            }
            #expect(hub.attachNow(viewer))
            writer.isSlow = true
            await hub.publish(transient: [event(1, bytes: 100_000)])
            await hub.publish(transient: [event(2)])
            viewer.end()
            #expect(!writer.isFinished && closed == 0)
            await hub.publish(transient: [event(3)])
            writer.drain()
            #expect(writer.writes.count == 2 && !writer.isFinished)
            writer.drain()
            #expect(writer.numbers == [1] && writer.isFinished && closed == 1)
            #expect(memory.bytes == 0)
            // It does not come back.
            #expect(!hub.attachNow(viewer))
            viewer.close()
            #expect(closed == 1)
        }
    }

    @Test("an idle client gets a keep-alive every 15 s, and its token is checked: more often where events are sent")
    func ticks() async throws {
        try await withViewerLoop { loop in
            let (hub, writer) = (await hub(loop), ScriptedWriter())
            let viewer = viewer(writer, on: loop)
            var checks = 0
            viewer.onCheck = { checks += 1 }
            #expect(hub.attachNow(viewer))
            let start = loop.nowMilliseconds
            viewer.tick(start + 14_000)
            #expect(writer.pings == 0 && checks == 0)
            viewer.tick(start + 16_000)
            #expect(writer.pings == 1 && checks == 1)
            viewer.tick(start + 40_000)
            // The first check is still out.
            #expect(writer.pings == 2 && checks == 1)
            viewer.tokenCheckSucceeded()
            viewer.tick(start + 41_000)
            #expect(checks == 2)
            hub.detach(viewer)

            let busy = Viewer(filter: StreamFilter(), writer: writer, on: loop, in: memory)
            busy.onCheck = { checks += 1 }
            #expect(hub.attachNow(busy))
            let (began, before) = (loop.nowMilliseconds, checks)
            try await eventually("the loop's clock to go on") { loop.nowMilliseconds > began }
            await hub.publish(transient: [event(1)])
            busy.tick(began + 6_000)
            #expect(checks == before + 1 && writer.pings == 2)
            hub.detach(busy)
        }
    }

    @Test("an event of several lines, or with what clients take for the end of one, is one line")
    func lines() throws {
        let data = RawJSON(unchecked: Array("{\n  \"t\": \"a\u{2028}b\u{2029}c\u{85}d\"\r\n}".utf8))
        let event = CloudEvent(source: "test", type: EventType.agentMessage.rawValue, subject: nil, data: data)
        let bytes = try #require(StreamFormat.serverSentEvents.text(of: event))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("data: ") && text.hasSuffix("\n\n"))
        let line = text.dropFirst(6).dropLast(2)
        #expect(!line.contains { $0.isNewline }, "\(line)")
        #expect(try JSONValue(decoding: Array(line.utf8))["data"]?["t"]?.string == "a\u{2028}b\u{2029}c\u{85}d")
    }
}

extension CloudEvent {
    /// An event with about so many bytes of data, and a number in it.
    static func numbered(_ number: Int, bytes: Int = 10, workspace: UUID? = nil) -> CloudEvent {
        let data = RawJSON(unchecked: Array("{\"n\":\(number),\"x\":\"\(String(repeating: "x", count: bytes))\"}".utf8))
        return CloudEvent(source: "test", type: EventType.agentMessage.rawValue, subject: workspace, data: data)
    }
}
