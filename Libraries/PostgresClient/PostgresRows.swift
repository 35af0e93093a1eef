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
        return PostgresRow(result: result, index: Int32(position), misfit: nil)
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

/// What did not fit in a row that is being decoded.
///
/// `@unchecked Sendable`: used by the one thread that decodes, during the call.
final class RowMisfit: @unchecked Sendable {
    private(set) var error: PostgresError?

    /// The first one counts: the others may follow from it.
    func note(_ what: String) {
        if error == nil { error = PostgresError(.server, "a row is not as its statement promises: \(what)") }
    }
}

extension PostgresRow {
    /// Makes a value of the row.
    ///
    /// - Throws: ``PostgresError`` when a column does not hold what an accessor promises. `make` has run to its end
    ///   then, with values of no meaning: it has no effects.
    package func decode<Value>(_ make: (PostgresRow) -> Value) throws(PostgresError) -> Value {
        try decode(RowMisfit(), make)
    }

    /// - Parameter misfit: one may serve many rows, until it has an error.
    fileprivate func decode<Value>(
        _ misfit: RowMisfit, _ make: (PostgresRow) -> Value
    ) throws(PostgresError) -> Value {
        let value = make(PostgresRow(result: result, index: index, misfit: misfit))
        if let error = misfit.error { throw error }
        return value
    }
}

/// Rows become values without a way to trap: these stand in for the ones of `Sequence`.
extension PostgresRows {
    /// Makes a value of each row.
    ///
    /// - Throws: as ``PostgresRow/decode(_:)`` for the first row that does not fit.
    package func map<Value>(_ make: (PostgresRow) -> Value) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        let misfit = RowMisfit()
        for row in self { values.append(try row.decode(misfit, make)) }
        return values
    }

    /// Makes a value of each row that has one.
    ///
    /// - Throws: as ``PostgresRow/decode(_:)`` for the first row that does not fit.
    package func compactMap<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        let misfit = RowMisfit()
        for row in self {
            if let value = try row.decode(misfit, make) { values.append(value) }
        }
        return values
    }

    /// Makes a value of each row that fits, and leaves the others out: for those who walk rows that others wrote, whom
    /// one bad row must not stop.
    ///
    /// - Returns: the values, and for each row left out the reason.
    package func decodeEach<Value>(
        _ make: (PostgresRow) -> Value?
    ) -> (values: [Value], refused: [PostgresError]) {
        var values: [Value] = []
        var refused: [PostgresError] = []
        var misfit = RowMisfit()
        for row in self {
            do throws(PostgresError) {
                if let value = try row.decode(misfit, make) { values.append(value) }
            } catch {
                refused.append(error)
                misfit = RowMisfit()
            }
        }
        return (values, refused)
    }
}
