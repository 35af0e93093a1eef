import Testing
import TestSupport

@testable import WebSocket

@Suite("What clients send")
struct FrameReaderTests {
    /// How the bytes arrive.
    enum Arrival: CaseIterable, Sendable {
        case whole, byteByByte, inRandomPieces

        func pieces(_ bytes: [UInt8], seed: UInt64) -> [ArraySlice<UInt8>] {
            var random = SeededGenerator(seed: seed)
            var rest = bytes[...]
            var pieces: [ArraySlice<UInt8>] = []
            while !rest.isEmpty {
                let count =
                    switch self {
                    case .whole: rest.count
                    case .byteByByte: 1
                    case .inRandomPieces: Int.random(in: 1...max(1, rest.count), using: &random)
                    }
                pieces.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            return pieces
        }
    }

    /// What a server that sends everything back sends.
    private func responses(
        to bytes: [UInt8], _ arrival: Arrival, seed: UInt64 = 1
    ) -> (sent: [UInt8], reader: FrameReader) {
        var sent: [UInt8] = []
        let reader = FrameReader(maxMessageBytes: FrameCase.limit, keepsMessages: true)
        for piece in arrival.pieces(bytes, seed: seed) where !reader.hasEnded {
            let (response, messages) = Array(piece).withUnsafeBufferPointer { reader.receive($0) }
            let echoes = messages.flatMap { message in
                WebSocketFrame.message(message.bytes, isText: message.isText, upTo: .max).flatMap { $0 }
            }
            sent += reader.hasEnded ? echoes + response : response + echoes
        }
        return (sent, reader)
    }

    @Test("is responded to as the protocol says, however it arrives", arguments: FrameCase.all)
    func table(_ testCase: FrameCase) {
        let bytes = testCase.frames.flatMap(\.bytes)
        for arrival in Arrival.allCases {
            let (sent, reader) = responses(to: bytes, arrival)
            var frames = ServerFrame.read(sent)
            switch testCase.end {
            case .open: #expect(!reader.hasEnded, "\(arrival)")
            case .closed(let code):
                #expect(reader.hasEnded, "\(arrival)")
                guard case .close(let sentCode, _) = frames.popLast() else {
                    Issue.record("no closing frame, \(arrival)")
                    continue
                }
                #expect(sentCode == code, "\(arrival)")
            }
            #expect(Self.sorted(frames) == Self.sorted(testCase.responses), "\(arrival)")
        }
    }

    /// Echoes and pongs of one read are sent one after the other, each kind in its order.
    private static func sorted(_ frames: [ServerFrame]) -> [ServerFrame] {
        func isPong(_ frame: ServerFrame) -> Bool {
            if case .pong = frame { true } else { false }
        }
        return frames.filter { !isPong($0) } + frames.filter(isPong)
    }

    @Test("is covered by at least 250 cases, each with a name of its own")
    func coverage() {
        #expect(FrameCase.all.count >= 250)
        #expect(Set(FrameCase.all.map(\.name)).count == FrameCase.all.count)
    }

    @Test("costs memory only within a frame, a message or a closing")
    func memory() {
        let reader = FrameReader(maxMessageBytes: 1000, keepsMessages: false)
        func receive(_ bytes: [UInt8]) { _ = bytes.withUnsafeBufferPointer { reader.receive($0) } }
        #expect(!reader.holdsContext)
        for frame in [ClientFrame.pong(), .ping([1]), .text("ignored"), .binary([1, 2])] {
            for byte in frame.bytes.dropLast() {
                receive([byte])
                #expect(reader.holdsContext)
            }
            receive(Array(frame.bytes.suffix(1)))
            #expect(!reader.holdsContext)
        }
        receive(ClientFrame.text("a", isFinal: false).bytes)
        #expect(reader.holdsContext)
        receive(ClientFrame.more([1]).bytes)
        #expect(!reader.holdsContext)
    }

    @Test("is read past where nobody listens, and checked all the same")
    func ignored() {
        let reader = FrameReader(maxMessageBytes: 10, keepsMessages: false)
        let bytes = ClientFrame.text(bytes: [0xFF]).bytes
        let sent = bytes.withUnsafeBufferPointer { reader.receive($0).response }
        #expect(ServerFrame.read(sent) == [.close(1007, [])])
        let other = FrameReader(maxMessageBytes: 10, keepsMessages: false)
        let long = ClientFrame.text("0123456789a").bytes.withUnsafeBufferPointer { other.receive($0).response }
        #expect(ServerFrame.read(long) == [.close(1009, [])])
    }

    @Test("is limited by message, in however many frames it comes", arguments: [false, true])
    func fragments(keepsMessages: Bool) {
        let reader = FrameReader(maxMessageBytes: 10, keepsMessages: keepsMessages)
        func response(_ frame: ClientFrame) -> [ServerFrame] {
            ServerFrame.read(frame.bytes.withUnsafeBufferPointer { reader.receive($0).response })
        }
        // Two messages of ten bytes; what is said between the frames does not count.
        for _ in 0..<2 {
            #expect(response(.text("01234", isFinal: false)) == [])
            #expect(response(.ping(Array("0123456789".utf8))) == [.pong(Array("0123456789".utf8))])
            #expect(response(.more(Array("56789".utf8))) == [])
        }
        #expect(response(.text("01234", isFinal: false)) == [])
        #expect(response(.more(Array("56789".utf8), isFinal: false)) == [])
        #expect(!reader.hasEnded)
        #expect(response(.more([0x61])) == [.close(1009, [])])
        #expect(reader.hasEnded)
    }

    @Test("bytes at random end in a closing frame or in nothing, and never in a crash")
    func random() {
        var random = SeededGenerator(seed: 6455)
        for _ in 0..<2000 {
            let count = Int.random(in: 1...64, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            let (sent, _) = responses(to: bytes, .inRandomPieces, seed: random.next())
            let wrong = ServerFrame.read(sent).contains { if case .wrong = $0 { true } else { false } }
            #expect(!wrong, "\(bytes)")
        }
    }
}
