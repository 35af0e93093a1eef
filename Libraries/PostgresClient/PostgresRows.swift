import CPQ

/// Owns one result of libpq.
///
/// `@unchecked Sendable`: nothing changes it between its arrival and `deinit`, the only place that frees it; reading a
/// result from several threads is allowed.
final class ResultOwner: @unchecked Sendable {
    let raw: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    /// Takes over the result.
    init(_ raw: OpaquePointer) {
        self.raw = raw
        rowCount = Int(PQntuples(raw))
        columnCount = Int(PQnfields(raw))
    }

    deinit { PQclear(raw) }
}

/// The rows of one result, decoded when they are looked at.
package struct PostgresRows: RandomAccessCollection, Sendable {
    let result: ResultOwner?

    package var startIndex: Int { 0 }
    package var endIndex: Int { result?.rowCount ?? 0 }

    package subscript(position: Int) -> PostgresRow {
        guard let result, position >= 0, position < result.rowCount else {
            preconditionFailure("row \(position) of \(count)")
        }
        return PostgresRow(result: result, index: Int32(position))
    }

    /// Rows inserted, updated, deleted or returned.
    package var affected: Int {
        guard let result else { return 0 }
        return Int(String(cString: PQcmdTuples(result.raw))) ?? 0
    }

    /// What the server says it did, such as `UPDATE 3`.
    package var commandTag: String { result.map { String(cString: PQcmdStatus($0.raw)) } ?? "" }

    /// The number of the column with this name.
    package func column(_ name: String) -> Int? {
        guard let result else { return nil }
        let number = PQfnumber(result.raw, "\"\(name)\"")
        return number < 0 ? nil : Int(number)
    }
}
