import Crypto
import Foundation
import HTTPCore
import ServiceHost
import Testing
import UVHTTPServer

/// What the lists of all services have in common: a limit, a cursor, words.
@Suite struct ListQueryTests {
    private enum Fruit: String, CaseIterable { case apple, pear }

    private func request(_ query: String) -> Request { Requests.make(.get, "/list\(query)") }

    /// The field and the reason of a refusal.
    private func refusal(_ body: () throws -> Void) throws -> [String?] {
        let error = try #require(throws: APIError.self) { try body() }
        #expect(error.status == .badRequest)
        return [error.field, error.reason]
    }

    @Test(arguments: [
        ("", 50), ("?limit=", 50), ("?limit=%20", 50), ("?limit=1", 1), ("?limit=200", 200), ("?other=3", 50),
        ("?limit=7&limit=9", 7), ("?limit=007", 7),
    ])
    func theLimitHasADefault(_ query: String, _ limit: Int) throws {
        #expect(try request(query).pageLimit(default: 50, upTo: 200) == limit)
    }

    @Test(arguments: ["0", "-1", "201", "x", "1.5", "1e2", "0x10", "9223372036854775808", "7%00", "7,8", "%C2%B2"])
    func aLimitOutOfRangeIsRefused(_ text: String) throws {
        let refusal = try refusal { _ = try request("?limit=\(text)").pageLimit(default: 50, upTo: 200) }
        #expect(refusal == ["limit", "must be a number from 1 to 200"])
    }

    @Test func aCursorIsReadOrRefused() throws {
        #expect(try request("?cursor=").pageCursor(ListCursor.init) == nil)
        #expect(try request("?cursor=4").pageCursor { Int($0) } == 4)
        let refusal = try refusal { _ = try request("?cursor=x").pageCursor(ListCursor.init) }
        #expect(refusal == ["cursor", "is not one that next_cursor gave"])
    }

    @Test func wordsAreKnownOrRefused() throws {
        #expect(try request("").words("fruit", of: Fruit.self) == nil)
        #expect(try request("?fruit=").words("fruit", of: Fruit.self) == nil)
        #expect(try request("?fruit=pear,apple,pear").words("fruit", of: Fruit.self) == [.pear, .apple, .pear])
        for text in ["plum", "pear,", ",pear", "pear,plum", "Pear", "pear%20", "pear;apple"] {
            let refusal = try refusal { _ = try request("?fruit=\(text)").words("fruit", of: Fruit.self) }
            #expect(refusal == ["fruit", "must be of: apple, pear"], "\(text)")
        }
    }

    @Test func aFlagIsNeverIgnored() throws {
        for (query, flag) in [
            ("", false), ("?all=true", true), ("?all=1", true), ("?all=false", false), ("?all=0", false),
        ] {
            #expect(try request(query).flag("all") == flag, "\(query)")
        }
        for text in ["", "yes", "TRUE", "2", "true%20"] {
            #expect(try refusal { _ = try request("?all=\(text)").flag("all") } == ["all", "must be true or false"])
        }
    }
}

@Suite struct ListCursorTests {
    private static let id = UUID(uuid: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255))

    /// Microseconds, as Postgres has them.
    @Test(arguments: [0, 1, 999_999, 1_767_225_600_123_456, 4_102_444_799_999_999, 253_402_300_799_000_000])
    func isReadAsItWasWritten(_ microseconds: Int) throws {
        let cursor = ListCursor(at: Date(timeIntervalSince1970: Double(microseconds) / 1_000_000), id: Self.id)
        let read = try #require(ListCursor(cursor.text))
        #expect(read == cursor && read.text == cursor.text)
        #expect(cursor.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"+/=&%?#".utf8.contains($0) })
    }

    private static let idText = "00010203-0405-0607-0809-0a0b0c0d0eff"

    @Test(arguments: [
        "", "5", "5:", ":\(idText)", "x:\(idText)", "-1:\(idText)", "5.0:\(idText)", "253402300799000001:\(idText)",
        "9223372036854775807:\(idText)", "9223372036854775808:\(idText)", "5:\(idText):6", "5:\(idText)0",
        "5:\(idText.dropLast())", "5:{\(idText)}", "5 : \(idText)", "5\0:\(idText)", "\(idText):5",
    ])
    func refuses(_ text: String) {
        #expect(ListCursor(base64URLEncode(Array(text.utf8))) == nil)
    }

    @Test(arguments: ["", "x", "5:\(idText)", "====", "%", "\u{0}", "é", String(repeating: "A", count: 100_000)])
    func refusesWhatWasNotEncoded(_ text: String) {
        #expect(ListCursor(text) == nil)
    }

    @Test func refusesBytesThatAreNoText() {
        #expect(ListCursor(base64URLEncode([0xFF, 0x3A, 0xFE])) == nil)
    }
}
