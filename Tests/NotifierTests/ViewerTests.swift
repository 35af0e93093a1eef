import Contracts
import EventLoop
import Foundation
import JSONBytes
import Observability
import TestSupport
import Testing

@testable import Notifier

@Suite("What waits for viewers")
struct ViewerTests {
    private let memory = StreamMemory(limit: 1 << 20)

    /// An event with about so many bytes of data.
    private func event(_ number: Int, bytes: Int = 10, workspace: UUID? = nil) -> CloudEvent {
        let data = RawJSON(unchecked: Array("{\"n\":\(number),\"x\":\"\(String(repeating: "x", count: bytes))\"}".utf8))
        return CloudEvent(source: "test", type: EventType.agentMessage.rawValue, subject: workspace, data: data)
    }

    private func offer(_ number: Int, bytes: Int = 10, to viewer: Viewer) -> Bool? {
        StreamFrame(event(number, bytes: bytes), as: .serverSentEvents, in: memory).flatMap { viewer.offer($0) }
    }

    /// The numbers of the events that come next, and -n for n that were lost, without waiting.
    private func drain(_ viewer: Viewer, _ loop: EventLoop) async -> [Int] {
        var seen: [Int] = []
        while case let numbers = numbers(await viewer.next(on: loop, within: .zero)), !numbers.isEmpty {
            seen += numbers
        }
        return seen
    }

    private func numbers(_ next: Viewer.Next) -> [Int] {
        switch next {
        case .events(let events): events.map(number)
        case .lagged(let count): [-count]
        case .idle, .over: []
        }
    }

    private func number(_ event: EventBytes) -> Int {
        let text = String(decoding: event.bytes, as: UTF8.self)
        let json = text.split(separator: "\n").first { $0.hasPrefix("data: ") }?.dropFirst(6) ?? ""
        return (try? JSONValue(decoding: Array(json.utf8)))?["data"]?["n"]?.int ?? 0
    }

    private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
        let loops = EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        try await body(loops.loops[0])
    }

    @Test("is bounded by number; the gap is told where it is, and nothing is taken behind it before")
    func bounded() async throws {
        try await withLoop { loop in
            let viewer = Viewer(filter: StreamFilter(), format: .serverSentEvents)
            for number in 1...Viewer.capacity { #expect(offer(number, to: viewer) == true) }
            #expect(offer(1000, to: viewer) == false)
            let first = numbers(await viewer.next(on: loop, within: .zero))
            // There is room now, but this would stand before the notice of what is missing before it.
            #expect(offer(1001, to: viewer) == false)
            let rest = await drain(viewer, loop)
            #expect(first + rest == Array(1...Viewer.capacity) + [-2])
            #expect(offer(1002, to: viewer) == true)
            #expect(await drain(viewer, loop) == [1002])
        }
    }

    @Test("is bounded by bytes, but for one event of any size, and comes in pieces")
    func bytes() async throws {
        try await withLoop { loop in
            let viewer = Viewer(filter: StreamFilter(), format: .serverSentEvents)
            #expect(offer(1, bytes: 2 << 20, to: viewer) == true)
            #expect(offer(2, to: viewer) == false)
            #expect(await drain(viewer, loop) == [1, -1])
            for number in 1...8 { #expect(offer(number, bytes: 20_000, to: viewer) == true) }
            #expect(numbers(await viewer.next(on: loop, within: .zero)) == [1, 2, 3])
            #expect(await drain(viewer, loop) == [4, 5, 6, 7, 8])
        }
    }

    private func hub() -> EventHub {
        let hub = EventHub(memory: memory, metrics: MetricsRegistry(includesProcess: false))
        hub.pass([], upTo: .start)
        return hub
    }

    @Test("is one copy of each event for all of them, gone when the last has it")
    func shared() async throws {
        try await withLoop { loop in
            let (hub, viewers) = (
                hub(), (0..<100).map { _ in Viewer(filter: StreamFilter(), format: .serverSentEvents) }
            )
            for viewer in viewers { #expect(hub.attachNow(viewer)) }
            for number in 1...10 { await hub.pass(transient: [event(number, bytes: 10_000)]) }
            #expect(memory.bytes > 100_000 && memory.bytes < 120_000, "\(memory.bytes)")
            for viewer in viewers { #expect(await drain(viewer, loop) == Array(1...10)) }
            #expect(memory.bytes == 0)
            let unwanted = Viewer(filter: StreamFilter(workspace: UUID()), format: .serverSentEvents)
            for viewer in viewers { hub.detach(viewer) }
            #expect(hub.attachNow(unwanted))
            await hub.pass(transient: [event(11, workspace: UUID())])
            #expect(memory.bytes == 0)
        }
    }

    @Test("is not passed on, and stays in the log, until it is known where an agent stands that looks on")
    func agents() async throws {
        try await withLoop { loop in
            let (hub, agent) = (hub(), UUID())
            let viewer = Viewer(filter: StreamFilter(agent: agent), format: .serverSentEvents)
            #expect(hub.attachNow(viewer))
            let position = LogPosition(transaction: 5, sequence: 1)
            let entry = LogEntry(position: position, event: event(1, workspace: agent))
            #expect(!hub.pass([entry], upTo: position))
            #expect(hub.position == .start)
            #expect(hub.pass([entry], upTo: position, knowing: [agent]))
            #expect(hub.position == position)
            #expect(await drain(viewer, loop) == [1])
        }
    }

    @Test("is given up, and told, where all of it is too much: the slowest first, and none who is ready")
    func givenUp() async throws {
        try await withLoop { loop in
            let (hub, slow, quick) = (
                hub(), Viewer(filter: StreamFilter(), format: .serverSentEvents),
                Viewer(filter: StreamFilter(), format: .serverSentEvents)
            )
            #expect(hub.attachNow(slow) && hub.attachNow(quick))
            var seen: [Int] = []
            for number in 1...200 {
                await hub.pass(transient: [event(number, bytes: 20_000)])
                seen += await drain(quick, loop)
                #expect(memory.bytes <= 1 << 20)
            }
            #expect(seen == Array(1...200))
            let late = await drain(slow, loop)
            // Whatever it had, it knows how many it has not.
            let (had, lost) = (late.filter { $0 > 0 }, late.filter { $0 < 0 }.reduce(0, -))
            #expect(had.count + lost == 200 && lost > 0, "\(late)")
        }
    }

    @Test("what is being sent cannot be given up: then what comes is, until there is room, but for who is ready")
    func beingSent() async throws {
        try await withLoop { loop in
            let (hub, stuck, other) = (
                hub(), Viewer(filter: StreamFilter(), format: .serverSentEvents),
                Viewer(filter: StreamFilter(), format: .serverSentEvents)
            )
            #expect(hub.attachNow(stuck) && hub.attachNow(other))
            func ready(_ viewer: Viewer) async throws -> Task<Viewer.Next, Never> {
                let task = Task { await viewer.next(on: loop, within: .seconds(60)) }
                try await eventually("the client is ready") { viewer.isWaiting }
                return task
            }
            let (first, others) = (try await ready(stuck), try await ready(other))
            await hub.pass(transient: [event(1, bytes: 3 << 20)])
            let sending = await first.value
            #expect(numbers(await others.value) == [1])
            await hub.pass(transient: [event(2)])
            #expect(memory.bytes < 4 << 20)
            #expect(await drain(other, loop) == [-1])
            let next = try await ready(other)
            await hub.pass(transient: [event(3)])
            #expect(numbers(await next.value) == [3])
            #expect(numbers(sending) == [1])
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
