import Foundation
import Postgres
import Testing
import TestSupport

@Suite("Rows of a statement's input as one parameter") struct RecordsetTests {
    private struct Row: Sendable {
        var id: UUID?
        var text: String?
        var number: Int?
        var share: Double?
        var isOn = false
        var time: Date?
    }

    private static let rows = Recordset<Row>([
        .uuid("id") { $0.id },
        .text("words") { $0.text },
        .integer("number") { $0.number },
        .double("share") { $0.share },
        .bool("is_on") { $0.isOn },
        .time("at") { $0.time },
    ])

    private static let echo = Statement(
        "echo_rows",
        """
        SELECT i.id, i.words, i.number, i.share, i.is_on, i.at, body
        FROM ROWS FROM (unnest($2::text[]), json_to_recordset($1::json) AS (\(rows.definition)))
            WITH ORDINALITY AS i (body) ORDER BY i.ordinality
        """)

    @Test("Each value comes back as it was, in order, what is absent as NULL, beside an array of long texts")
    func roundTrip() async throws {
        let full = TypesTests.texts.map {
            Row(
                id: UUID(), text: $0, number: .max, share: -0.1, isOn: true,
                time: Date(timeIntervalSince1970: 1_800_000_000.123456))
        }
        let sent = full + [Row(number: .min, share: 3)]
        let bodies: [String?] = TypesTests.texts + [nil]
        try await withPool { (pool) async throws in
            let found = try await pool.query(Self.echo, [Self.rows.json(sent), bodies])
            try #require(found.count == sent.count)
            let shares = try found.map { $0.optionalDouble(3) }
            #expect(shares == sent.map(\.share))
            for (number, (sent, body)) in zip(sent, bodies).enumerated() {
                let row = found[number]
                #expect(row.optionalUUID(0) == sent.id)
                #expect(row.optionalString(1) == sent.text)
                #expect(row.optionalInt(2) == sent.number)
                #expect(row.bool(4) == sent.isOn)
                #expect(row.optionalDate(5)?.timeIntervalSince(sent.time ?? .distantPast) ?? 0 < 0.000_002)
                #expect((row.optionalDate(5) == nil) == (sent.time == nil))
                #expect(row.optionalString(6) == body)
            }
            let none = try await pool.query(Self.echo, [Self.rows.json([]), [String]()])
            #expect(none.isEmpty)
        }
    }

    @Test("A text with a NUL is refused")
    func refusesNUL() async throws {
        try await withPool { (pool) async throws in
            let error = try await postgresError {
                _ = try await pool.query(Self.echo, [Self.rows.json([Row(text: "a\0b")]), [nil] as [String?]])
            }
            #expect(error.sqlState == "22P05")
        }
    }
}
