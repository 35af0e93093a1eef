import Testing

/// What a client sends, and what must come of it (RFC 6455).
struct FrameCase: Sendable, CustomTestStringConvertible {
    enum End: Equatable, Sendable {
        case open
        /// The closing frame that the server sends.
        case closed(UInt16?)
    }

    let name: String
    let frames: [ClientFrame]
    /// In the order of their coming, as echoed, with the pongs between them.
    let responses: [ServerFrame]
    let end: End

    var testDescription: String { name }

    /// All of them.
    static let all =
        lengths + fragments + controls + validTexts + brokenTexts + masks + reserved + closings + tooLong

    private static func open(_ name: String, _ frames: [ClientFrame], _ responses: [ServerFrame]) -> Self {
        Self(name: name, frames: frames, responses: responses, end: .open)
    }

    private static func refused(
        _ name: String, _ frames: [ClientFrame], with code: UInt16 = 1002, after responses: [ServerFrame] = []
    ) -> Self {
        Self(name: name, frames: frames, responses: responses, end: .closed(code))
    }

    private static func letters(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    }

    // MARK: - Lengths (5.2)

    private static let lengths: [Self] = {
        let counts = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 4095, 4096, 4097, 65534, 65535, 65536, 65537]
        let texts = counts.map { count in
            open("text of \(count)", [.text(bytes: letters(count))], [.text(letters(count))])
        }
        let binaries = counts.map { count in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            return open("binary of \(count)", [.binary(bytes)], [.binary(bytes)])
        }
        let padded = [0, 1, 125].flatMap { count in
            [
                refused("length \(count) in two bytes", [.text(bytes: letters(count)).with { $0.length = .medium }]),
                refused("length \(count) in eight bytes", [.text(bytes: letters(count)).with { $0.length = .long }]),
            ]
        }
        let paddedLong = [126, 1000, 65535].map { count in
            refused("length \(count) in eight bytes", [.text(bytes: letters(count)).with { $0.length = .long }])
        }
        let impossible = [UInt64(1) << 63, .max].map { count in
            refused("length of \(count)", [.binary([]).with { $0.length = .claimed(count) }])
        }
        return texts + binaries + padded + paddedLong + impossible
    }()

    // MARK: - Fragments (5.4)

    private static let fragments: [Self] = {
        let hello = Array("Hello, world".utf8)
        let cuts = (0...hello.count).map { cut in
            open(
                "text cut at \(cut)",
                [.text(bytes: Array(hello[..<cut]), isFinal: false), .more(Array(hello[cut...]))],
                [.text(hello)])
        }
        let withControl = [ClientFrame.ping([1, 2]), .ping(), .pong([3])].enumerated().flatMap { index, control in
            [1, 2].map { count in
                let responses: [ServerFrame] =
                    control.opcode == 9 ? Array(repeating: .pong(control.payload), count: count) : []
                return open(
                    "control frame \(index), \(count) times within a message",
                    [.text("He", isFinal: false)] + Array(repeating: control, count: count) + [
                        .more(Array("llo".utf8))
                    ],
                    responses + [.text(Array("Hello".utf8))])
            }
        }
        return cuts + withControl + [
            open(
                "of one byte each",
                [.text(bytes: [hello[0]], isFinal: false)]
                    + hello[1...].map { .more([$0], isFinal: false) } + [.more([])], [.text(hello)]),
            open("all empty", [.text("", isFinal: false), .more([], isFinal: false), .more([])], [.text([])]),
            open("binary", [.binary([0], isFinal: false), .more([255])], [.binary([0, 255])]),
            open(
                "two messages", [.text("a", isFinal: false), .more([]), .binary([1], isFinal: false), .more([2])],
                [.text(Array("a".utf8)), .binary([1, 2])]),
            refused("that continues nothing", [.more([1])]),
            refused("that continues nothing, and is not the last", [.more([1], isFinal: false)]),
            refused("that is empty and continues nothing", [.more([])]),
            refused("behind a whole message", [.text("a"), .more([1])], after: [.text(Array("a".utf8))]),
            refused("a text within a text", [.text("a", isFinal: false), .text("b")]),
            refused("a binary within a text", [.text("a", isFinal: false), .binary([1])]),
            refused("a text within a binary", [.binary([1], isFinal: false), .text("b")]),
            refused("a beginning within a text", [.text("a", isFinal: false), .text("b", isFinal: false)]),
            Self(
                name: "a close within a message", frames: [.text("a", isFinal: false), .close()], responses: [],
                end: .closed(1000)),
            open("a message that has not ended", [.text("a", isFinal: false), .ping()], [.pong([])]),
        ]
    }()

    // MARK: - Control frames (5.5)

    private static let controls: [Self] = {
        let pings = [0, 1, 2, 124, 125].map { count in
            open("ping of \(count)", [.ping(letters(count))], [.pong(letters(count))])
        }
        let pongs = [0, 1, 125].map { open("pong of \($0)", [.pong(letters($0))], []) }
        let tooLong = [8, 9, 10].flatMap { opcode in
            [126, 127, 65536].map { count in
                refused(
                    "control frame \(opcode) of \(count)", [ClientFrame(opcode: UInt8(opcode), payload: letters(count))]
                )
            }
        }
        let inPieces = [8, 9, 10].map { opcode in
            refused(
                "control frame \(opcode) in pieces",
                [ClientFrame(opcode: UInt8(opcode), payload: [], isFinal: false), .more([])])
        }
        let many = [2, 10, 100].map { count in
            open(
                "\(count) pings", (0..<count).map { .ping([UInt8($0)]) },
                (0..<count).map { .pong([UInt8($0)]) })
        }
        return pings + pongs + tooLong + inPieces + many + [
            open("binary in a ping", [.ping([0, 255, 254, 253])], [.pong([0, 255, 254, 253])]),
            open("a pong behind a ping", [.pong([1]), .ping([2]), .pong([3])], [.pong([2])]),
        ]
    }()

    // MARK: - UTF-8 (8.1)

    private static let validTexts: [Self] = {
        let texts = [
            "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "\u{0}", "\u{7F}", "\u{80}", "\u{7FF}", "\u{800}", "\u{D7FF}",
            "\u{E000}",
            "\u{FFFD}", "\u{FFFE}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "日本語", "🙂", "e\u{301}", "עברית", "\u{FEFF}x",
        ]
        return texts.map {
            open("text \($0.unicodeScalars.map { String($0.value, radix: 16) })", [.text($0)], [.text(Array($0.utf8))])
        }
            + ["κόσμε", "🙂é", "日本"].flatMap { text in
                (1..<text.utf8.count).map { cut in
                    let bytes = Array(text.utf8)
                    return open(
                        "\(text) cut at byte \(cut)",
                        [.text(bytes: Array(bytes[..<cut]), isFinal: false), .more(Array(bytes[cut...]))],
                        [.text(bytes)])
                }
            }
    }()

    private static let brokenTexts: [Self] = {
        let sequences: [[UInt8]] = [
            [0x80], [0xBF], [0xC0, 0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xC3, 0xC3],
            [0xE0, 0x80, 0x80], [0xE0, 0x80, 0xAF], [0xE0, 0x9F, 0xBF], [0xE1], [0xE1, 0x80], [0xE1, 0x80, 0x41],
            [0xED, 0xA0, 0x80], [0xED, 0xAD, 0xBF], [0xED, 0xAE, 0x80], [0xED, 0xBF, 0xBF],
            [0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x80, 0x80, 0xAF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x99], [0xF1, 0x41], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xF7, 0xBF, 0xBF, 0xBF], [0xF8, 0x88, 0x80, 0x80, 0x80],
            [0xFB, 0xBF, 0xBF, 0xBF, 0xBF], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE], [0xFF],
            [0xFE, 0xFE, 0xFF, 0xFF],
        ]
        let whole = sequences.map { refused("broken text \($0)", [.text(bytes: Array("ok ".utf8) + $0)], with: 1007) }
        let split = sequences.filter { $0.count > 1 }.map { bytes in
            refused(
                "broken text \(bytes), in two frames",
                [.text(bytes: [bytes[0]], isFinal: false), .more(Array(bytes[1...]))], with: 1007)
        }
        return whole + split + [
            refused(
                "a text that ends within a character", [.text(bytes: [0xCE], isFinal: false), .more([])], with: 1007),
            open("broken UTF-8 that is binary", [.binary([0xFF, 0xC0])], [.binary([0xFF, 0xC0])]),
        ]
    }()

    // MARK: - Masks (5.3) and reserved values (5.2)

    private static let masks: [Self] = {
        let keys: [[UInt8]] = [[0, 0, 0, 0], [255, 255, 255, 255], [1, 0, 0, 0], [0x80, 0x81, 0x82, 0x83]]
        let any = keys.map { key in
            open("mask \(key)", [.text("Hello").with { $0.mask = key }], [.text(Array("Hello".utf8))])
        }
        let frames: [ClientFrame] = [.text("a"), .binary([1]), .ping(), .pong(), .close(), .text("")]
        return any
            + frames.map { frame in
                refused("no mask on opcode \(frame.opcode) of \(frame.payload.count)", [frame.with { $0.mask = nil }])
            }
    }()

    private static let reserved: [Self] = {
        let frames: [ClientFrame] = [.text("a"), .binary([1]), .ping(), .pong(), .close()]
        let bits = frames.flatMap { frame in
            (1...7).map { bits in
                refused("reserved bits \(bits) on opcode \(frame.opcode)", [frame.with { $0.reserved = bits }])
            }
        }
        let opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap { opcode in
            [[], [UInt8(1)]].map { payload in
                refused("opcode \(opcode) of \(payload.count)", [ClientFrame(opcode: UInt8(opcode), payload: payload)])
            }
        }
        return bits + opcodes + [
            refused(
                "a reserved opcode behind a message", [.text("a"), ClientFrame(opcode: 3, payload: [])],
                after: [.text([UInt8(ascii: "a")])])
        ]
    }()

    // MARK: - Closing (5.5.1, 7.4)

    private static let closings: [Self] = {
        let good: [UInt16] = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
        let bad: [UInt16] = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
        let reason = Array("réason".utf8)
        return good.map { Self(name: "close \($0)", frames: [.close($0)], responses: [], end: .closed($0)) }
            + bad.map { refused("close \($0)", [.close($0)]) }
            + [
                Self(name: "close without a code", frames: [.close(nil)], responses: [], end: .closed(nil)),
                refused("close with half a code", [ClientFrame(opcode: 8, payload: [3])]),
                Self(
                    name: "close with a reason", frames: [.close(1000, reason: reason)], responses: [],
                    end: .closed(1000)
                ),
                Self(
                    name: "close with the longest reason", frames: [.close(1000, reason: letters(123))], responses: [],
                    end: .closed(1000)),
                refused("close with a reason too long", [.close(1000, reason: letters(124))]),
                refused("close with a broken reason", [.close(1000, reason: [0xCE, 0xBA, 0xE1])], with: 1007),
                Self(
                    name: "a text behind a close", frames: [.close(), .text("late")], responses: [], end: .closed(1000)),
                Self(name: "a ping behind a close", frames: [.close(), .ping()], responses: [], end: .closed(1000)),
                Self(name: "two closes", frames: [.close(1000), .close(1001)], responses: [], end: .closed(1000)),
                Self(
                    name: "a close behind a message", frames: [.text("a"), .close(1001)],
                    responses: [.text([UInt8(ascii: "a")])], end: .closed(1001)),
            ]
    }()

    // MARK: - Length of a message (7.4.1)

    /// The reader of the cases takes this much.
    static let limit = 100_000

    private static let tooLong: [Self] = [
        open("a message as long as may be", [.binary(letters(limit))], [.binary(letters(limit))]),
        refused("a message too long", [.binary(letters(limit + 1))], with: 1009),
        refused(
            "a length too long, with its first byte", [.binary([1]).with { $0.length = .claimed(1 << 40) }], with: 1009),
        refused(
            "fragments too long together",
            [.binary(letters(limit), isFinal: false), .more([1], isFinal: false)], with: 1009),
        open(
            "messages too long together", [.binary(letters(limit)), .binary(letters(limit))],
            [.binary(letters(limit)), .binary(letters(limit))]),
    ]
}
