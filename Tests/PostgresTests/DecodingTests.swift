import Foundation
import Postgres
import Testing
import TestSupport

/// Rows that are not as their statement promises: an unexpected NULL must not take the process down.
@Suite("Rows that do not fit") struct DecodingTests {
    private static let rows = Statement(
        "misfits",
        """
        SELECT n, CASE WHEN n = 2 THEN NULL ELSE 'row ' || n END, CASE WHEN n = 3 THEN 'infinity' ELSE now() END
        FROM generate_series(1, 4) AS n ORDER BY n
        """)

    private struct Value: Equatable {
        let number: Int
        let text: String
        let time: Date

        init(_ row: PostgresRow) {
            number = row.int(0)
            text = row.string(1)
            time = row.date(2)
        }
    }

    @Test("Making values of rows fails with an error that names the column")
    func first() async throws {
        try await withPool { (pool) async throws in
            let rows = try await pool.query(Self.rows)
            let error = try await postgresError { _ = try rows.map { Value($0) } }
            #expect(error.kind == .server && !error.isRetryable && error.message.contains("is NULL, expected String"))
            let other = try await postgresError { _ = try rows.compactMap { $0.int(0) == 3 ? $0.date(2) : nil } }
            #expect(other.message.contains("is not a Date"))
            #expect(try rows.first { Value($0) }?.text == "row 1")
            let notOne = try await postgresError { _ = try rows.only { Value($0) } }
            #expect(notOne.message.contains("4 rows"))
            #expect(try rows.map { $0.int(0) } == [1, 2, 3, 4])
            #expect(try rows.map { $0.optionalString(1) } == ["row 1", nil, "row 3", "row 4"])
        }
    }

    private static let null = Statement("misfit", "SELECT NULL")

    @Test("The first row, the last or the only one that does not fit is an error; that there is none is not")
    func one() async throws {
        try await withPool { (pool) async throws in
            let rows = try await pool.query(Self.null)
            #expect(throws: PostgresError.self) { try rows.first { $0.int(0) } }
            #expect(throws: PostgresError.self) { try rows.last { $0.int(0) } }
            #expect(throws: PostgresError.self) { try rows.only { $0.int(0) } }
            #expect(try rows.first { $0.optionalInt(0) } == nil)
            #expect(throws: PostgresError.self) { try rows.forEach { _ = $0.string(0) } }
            let none = try await pool.query(Statement("misfit_none", "SELECT 1 WHERE false"))
            #expect(try none.first { $0.int(0) } == nil && none.last { $0.int(0) } == nil)
            #expect(throws: PostgresError.self) { try none.only { $0.int(0) } }
        }
    }

    @Test("One row that cannot be decoded fails alone, where rows are decoded one by one")
    func each() async throws {
        try await withPool { (pool) async throws in
            let (values, refused) = try await pool.query(Self.rows).decodeEach { Value($0) }
            #expect(values.map(\.number) == [1, 4] && values.map(\.text) == ["row 1", "row 4"])
            #expect(refused.count == 2)
        }
    }
}
