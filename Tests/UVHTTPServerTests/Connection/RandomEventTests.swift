import Testing

@testable import UVHTTPServer

/// Legal events in random orders. `SimulatedConnection` checks what must never happen; here stands what must always hold.
@Suite struct RandomEventTests {
    /// SplitMix64: the same events for a seed everywhere.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// A client that sends well-formed requests, except when it does not.
    private struct Client {
        /// Of the body that it is sending; nil between requests.
        var left: Int?
        var isInsideHead = false

        mutating func next(_ random: inout Generator) -> [SimulatedConnection.Token] {
            if let left {
                if left == 0 {
                    self.left = nil
                    return [.endOfMessage]
                }
                let piece = min(left, Int.random(in: 1...2000, using: &random))
                self.left = left - piece
                return [.body(piece)]
            }
            let kind = Int.random(in: 0..<40, using: &random)
            switch kind {
            case 0: return [.garbage]
            case 39: return isInsideHead ? [.partOfHead] : [.emptyLine]
            case 1..<5 where !isInsideHead:
                isInsideHead = true
                return [.partOfHead]
            case 5..<25:
                isInsideHead = false
                var head = HTTPConnectionStateMachine.RequestHead.get
                head.isHEAD = kind == 5
                head.isHTTP10 = kind == 6
                head.keepAlive = kind != 7
                head.hasResponse = kind < 11
                head.mustClose = kind == 8
                return [.head(head), .endOfMessage]
            default:
                isInsideHead = false
                let length = Int.random(in: 1...6000, using: &random)
                left = length
                return [
                    .head(.post(kind < 30 ? nil : UInt64(length), streams: kind % 2 == 0, continues: kind % 5 == 0))
                ]
            }
        }
    }

    private func step(_ connection: SimulatedConnection, _ client: inout Client, _ random: inout Generator) {
        let size = [10, 500, 30_000, 90_000].randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40:
            guard connection.isReading, !connection.isOver, !connection.isEnded else { return }
            var tokens: [SimulatedConnection.Token] = []
            for _ in 0..<Int.random(in: 1...8, using: &random) { tokens += client.next(&random) }
            connection.receive(tokens)
        case 40..<60: handler(connection, size, &random)
        case 60..<75: connection.systemTakes(size)
        case 75..<82: if connection.isFlushScheduled { connection.runFlush() }
        case 82..<89: if connection.isKeptInputPosted { connection.runKeptInput() }
        case 89..<96:
            guard connection.machine.timer != .none else { return }
            connection.fireTimer(acknowledged: Int.random(in: 0...1, using: &random))
        case 96: connection.drain()
        case 97: if !connection.isEnded, !connection.isOver { connection.endOnce(isError: false) }
        case 98: connection.takesAtOnce = [0, 100, 50_000, .max].randomElement(using: &random) ?? 0
        default:
            guard Int.random(in: 0..<4, using: &random) == 0 else { return }
            if !connection.isEnded, !connection.isOver { connection.endOnce(isError: true) }
        }
    }

    private func handler(_ connection: SimulatedConnection, _ size: Int, _ random: inout Generator) {
        let choice = Int.random(in: 0..<12, using: &random)
        switch connection.handler {
        case .none: return
        case .running:
            switch choice {
            case 0..<4: connection.respond(size)
            case 4..<7: connection.beginStream(hasLength: choice == 4)
            case 7: if Int.random(in: 0..<10, using: &random) == 0 { connection.upgrade() }
            default: connection.wantBody()
            }
        case .streaming:
            switch choice {
            case 0..<6: connection.writeStream(size)
            case 6..<9: connection.endStream()
            case 9: if Int.random(in: 0..<10, using: &random) == 0 { connection.breakStream() }
            default: connection.wantBody()
            }
        }
    }

    private func check(_ connection: SimulatedConnection, _ when: String) {
        guard !connection.isOver else { return }
        let machine = connection.machine
        switch machine.phase {
        case .idle, .receiving:
            #expect(machine.timer != .none, "nothing bounds the wait for the client: \(when)")
            if connection.kept.isEmpty {
                #expect(connection.isReading, "nothing resumes reading: \(when)")
            } else {
                #expect(connection.isKeptInputPosted || connection.unwritten > 0, "kept input is forgotten: \(when)")
            }
            #expect(connection.collected == 0 || connection.isFlushScheduled, "output is forgotten: \(when)")
        case .skipping, .lingering:
            #expect(machine.timer != .none && connection.isReading, "\(when)")
        case .streaming:
            #expect(connection.collected == 0 || connection.isFlushScheduled, "output is forgotten: \(when)")
            #expect(connection.unwritten == 0 || machine.timer == .write, "nothing watches a slow reader: \(when)")
        case .handling: #expect(connection.handler == .running || connection.isUpgraded, "\(when)")
        case .closing, .closed, .upgraded: Issue.record("\(machine.phase) is no state to rest in: \(when)")
        }
        #expect(connection.isReading == !machine.isReadingPaused)
    }

    /// Handlers return, the client reads and is silent otherwise: then everything it sent is responded to, or the
    /// connection ends.
    private func settle(_ connection: SimulatedConnection, _ when: String) {
        var rounds = 0
        while rounds < 2000, !connection.isOver {
            rounds += 1
            if connection.isFlushScheduled {
                connection.runFlush()
            } else if connection.isKeptInputPosted {
                connection.runKeptInput()
            } else if connection.unwritten > 0 {
                connection.systemTakes(.max)
            } else if connection.handler == .running {
                connection.respond()
            } else if connection.handler == .streaming {
                connection.endStream()
            } else {
                break
            }
        }
        #expect(rounds < 2000, "it never rests: \(when)")
        check(connection, when)
        guard !connection.isOver else { return }
        #expect(connection.kept.isEmpty && connection.isReading, "input is left: \(when)")
        // A body's time-out, or a head's, is followed by the wait for the peer's end; no more.
        for _ in 0..<3 where !connection.isOver { connection.fireTimer() }
        #expect(connection.isOver, "a silent client keeps the connection: \(when)")
    }

    @Test(arguments: 0..<8) func whatAlwaysHolds(group: UInt64) {
        for seed in group * 100..<(group + 1) * 100 {
            var random = Generator(state: seed)
            var client = Client()
            let connection = SimulatedConnection()
            connection.sourceRoom = 1500
            if seed % 3 == 0 { connection.immediateResponse = 5000 }
            for number in 0..<200 where !connection.isOver {
                step(connection, &client, &random)
                check(connection, "seed \(seed), step \(number)")
            }
            settle(connection, "seed \(seed), at the end")
        }
    }

    /// The random events reach every state: else the test above would say little.
    @Test func everyStateIsReached() {
        var phases: Set<HTTPConnectionStateMachine.Phase> = []
        for seed in 0..<300 as Range<UInt64> {
            var random = Generator(state: seed)
            var client = Client()
            let connection = SimulatedConnection()
            for _ in 0..<300 where !connection.isOver {
                step(connection, &client, &random)
                phases.insert(connection.machine.phase)
            }
        }
        #expect(phases == [.idle, .receiving, .handling, .streaming, .skipping, .lingering, .closed, .upgraded])
    }
}
