import Foundation
import JSONBytes
import Testing

/// Thousands of generated documents, whole and damaged, judged and read as Foundation does.
@Suite struct FoundationComparisonTests {
    /// A small generator, so that a failure can be repeated from its seed.
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func readsTheSameValues(seed: UInt64) throws {
        var random = Generator(state: seed)
        for _ in 0..<100 {
            let document = Array(Self.document(&random, depth: 0).utf8)
            let theirs = try JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)
            let ours = try JSONValue(decoding: document)
            let text = String(decoding: document, as: UTF8.self)
            #expect(Self.same(ours, theirs), "seed \(seed): \(text)")
            #expect(try JSONValue(decoding: ours.encoded) == ours, "seed \(seed): \(text)")
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func judgesDamageTheSame(seed: UInt64) throws {
        var random = Generator(state: seed &+ 1000)
        for _ in 0..<200 {
            var document = Array(Self.document(&random, depth: 0).utf8)
            let interesting: [UInt8] = Array("{}[]\",:\\u0123+-.tfn \n\u{1}".utf8) + [0xC3, 0xFF, 0xED]
            for _ in 0..<Int.random(in: 1...2, using: &random) where !document.isEmpty {
                let place = Int.random(in: 0..<document.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: document.remove(at: place)
                case 1: document.insert(interesting.randomElement(using: &random)!, at: place)
                default: document[place] = interesting.randomElement(using: &random)!
                }
            }
            let text = String(decoding: document, as: UTF8.self)
            let theirs = try? JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)
            do {
                let ours = try JSONValue(decoding: document)
                #expect(theirs.map { Self.same(ours, $0) } == true, "seed \(seed): \(text.debugDescription)")
            } catch {
                #expect(
                    theirs == nil || Self.isTrailingComma(document, error),
                    "seed \(seed), \(error): \(text.debugDescription)")
            }
        }
    }

    /// Foundation takes a comma before a closing bracket, which RFC 8259 does not have.
    private static func isTrailingComma(_ document: [UInt8], _ error: JSONError) -> Bool {
        guard error.kind == .unexpectedByte, [0x5D, 0x7D].contains(document[error.offset]) else { return false }
        return document[..<error.offset].last { $0 > 0x20 } == 0x2C
    }

    private static func document(_ random: inout Generator, depth: Int) -> String {
        let space = ["", "", "", " ", "\n\t"].randomElement(using: &random)!
        switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &random) {
        case 0: return space + ["null", "true", "false"].randomElement(using: &random)!
        case 1: return space + String(Int.random(in: -1000...1000, using: &random))
        case 2: return String(Int.random(in: .min ... .max, using: &random)) + space
        case 3: return String(Double.random(in: -1e6...1e6, using: &random))
        case 4, 5: return space + string(&random)
        case 6:
            let elements = (0..<Int.random(in: 0..<5, using: &random)).map { _ in document(&random, depth: depth + 1) }
            return "[" + elements.joined(separator: space + ",") + space + "]"
        default:
            let members = (0..<Int.random(in: 0..<5, using: &random)).map { index in
                // unique: Foundation keeps the first of duplicates
                let name = string(&random).dropLast() + "\(index)\""
                return space + name + space + ":" + document(&random, depth: depth + 1)
            }
            return "{" + members.joined(separator: ",") + space + "}"
        }
    }

    private static func string(_ random: inout Generator) -> String {
        let pieces = [
            "a", "workspace", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "é", "€", "😀", " ",
            "longer text here",
            "\\t\\b\\f\\r", "\\uABCD", "{}[],:",
        ]
        let count = Int.random(in: 0..<6, using: &random)
        return "\"" + (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined() + "\""
    }

    private static func same(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: return theirs is NSNull
        case .string(let text): return theirs as? String == text
        case .bool(let flag): return theirs as? Bool == flag
        case .int(let number):
            guard let other = (theirs as? NSNumber)?.doubleValue else { return false }
            return (Double(number) - other).magnitude <= Double(number).magnitude * 1e-14
        case .double(let number):
            // Foundation reads by way of a decimal type and may be off by a few in the last place; exact values have
            // their own test.
            guard let other = (theirs as? NSNumber)?.doubleValue else { return false }
            return (number - other).magnitude <= number.magnitude * 1e-14
        case .array(let elements):
            guard let array = theirs as? [Any], array.count == elements.count else { return false }
            return zip(elements, array).allSatisfy { same($0, $1) }
        case .object(let members):
            guard let object = theirs as? [String: Any], object.count == members.count else { return false }
            return members.allSatisfy { name, value in object[name].map { same(value, $0) } ?? false }
        }
    }
}
