import Foundation
import Testing
import TestSupport

@testable import Postgres

@Suite("Values keep their meaning on the way to the server and back") struct TypesTests {
    static let texts = [
        "", " ", "plain", "NULL", "null", "a\"b", #"a\b"#, #"\\"""#, "{a,b}", "a,b", "line\nbreak\ttab\r", "ünïcödé 🚂",
        "'", "\u{1}",
    ]

    @Test("Texts, alone and in arrays") func texts() async throws {
        try await withPool { (pool) async throws in
            let echo = Statement("echo_text", "SELECT $1::text")
            for text in Self.texts {
                let row = try await pool.query(echo, [text])[0]
                #expect(row.string(0) == text)
            }
            let elements: [String?] = Self.texts + [nil]
            let unnested = try await pool.query(
                Statement("unnest_text", "SELECT t FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n"),
                [elements])
            #expect(try unnested.map { $0.optionalString(0) } == elements)
            let whole = try await pool.query(Statement("echo_texts", "SELECT $1::text[]"), [elements])[0]
            let read = whole.bytes(0).withUnsafeBufferPointer { ArrayText.elements($0) }
            #expect(read?.map { $0.map { String(decoding: $0, as: UTF8.self) } } == elements)
        }
    }

    @Test("Numbers at their limits") func numbers() async throws {
        try await withPool { (pool) async throws in
            let integers = [Int.min, -1, 0, 1, Int.max]
            let rows = try await pool.query(
                Statement("ints", "SELECT i FROM unnest($1::int8[]) WITH ORDINALITY AS u(i, n) ORDER BY n"), [integers])
            #expect(try rows.map { $0.int(0) } == integers)
            let doubles = [0, -0.5, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity]
            let same = try await pool.query(
                Statement("doubles", "SELECT d FROM unnest($1::float8[]) WITH ORDINALITY AS u(d, n) ORDER BY n"),
                [doubles])
            #expect(try same.map { $0.double(0) } == doubles)
            let nan = try await pool.query(Statement("nan", "SELECT $1::float8"), [Double.nan])[0]
            #expect(nan.double(0).isNaN)
            let row = try await pool.query(
                Statement("bools", "SELECT $1::bool, $2::bool, $3::bool"), [true, false, Bool?.none])[0]
            #expect(row.bool(0))
            #expect(!row.bool(1))
            #expect(row.optionalBool(2) == nil)
        }
    }

    @Test("Ids, bytes and nothing") func idsAndBytes() async throws {
        try await withPool { (pool) async throws in
            let ids = (0..<3).map { _ in UUID() }
            let bytes = (0...255).map { UInt8($0) }
            let json = Array(#"{"a":[1,"ü"]}"#.utf8)
            let row = try await pool.query(
                Statement(
                    "mixed",
                    "SELECT $1::uuid, $2::uuid[], $3::bytea, $4::json, $5::text, $6::bytea[] = ARRAY[$3::bytea, NULL]"),
                [ids[0], ids, Bytea(bytes), json, String?.none, [Bytea(bytes), nil] as [Bytea?]])[0]
            #expect(row.uuid(0) == ids[0])
            #expect(row.uuids(1) == ids)
            #expect(row.bytea(2) == bytes)
            #expect(row.bytes(3) == json)
            #expect(row.isNull(4))
            #expect(row.optionalString(4) == nil)
            #expect(row.bool(5))
            let jsons = try await pool.query(
                Statement("jsons", "SELECT j FROM unnest($1::json[]) WITH ORDINALITY AS u(j, n) ORDER BY n"),
                [[json, nil, json] as [[UInt8]?]])
            #expect(try jsons.map { $0.optionalBytes(0) } == [json, nil, json])
        }
    }

    @Test(
        "Moments, to the microsecond",
        arguments: [0, -1, 1_767_225_600.123456, 951_827_696.5, 4_107_542_400, -62_135_596_800.0])
    func moments(seconds: Double) async throws {
        try await withPool { (pool) async throws in
            let date = Date(timeIntervalSince1970: seconds)
            let row = try await pool.query(
                Statement(
                    "moment",
                    "SELECT $1::timestamptz, extract(epoch FROM $1::timestamptz)::float8, ($2::timestamptz[])[1]"),
                [date, [date]])[0]
            #expect(abs(row.date(0).timeIntervalSince1970 - seconds) < 0.000001)
            #expect(abs(row.double(1) - seconds) < 0.000001)
            #expect(row.date(2) == row.date(0))
        }
    }

    @Test("Rows know their number and effect") func rows() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int); INSERT INTO t SELECT generate_series(1, 10)")
            let update = try await pool.query(Statement("update", "UPDATE t SET a = a + 1 WHERE a > $1"), [3])
            #expect(update.affected == 7)
            #expect(update.isEmpty)
            let rows = try await pool.query(Statement("columns", "SELECT 1 AS one, 2 AS \"Two\""))
            #expect(rows.count == 1)
        }
    }

    @Test("A NUL is refused instead of cutting the text") func nul() async throws {
        try await withPool { (pool) async throws in
            let error = try await postgresError {
                _ = try await pool.query(Statement("echo", "SELECT $1::text"), ["a\0b"])
            }
            #expect(error.sqlState == "22021")
        }
    }
}
