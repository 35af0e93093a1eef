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
///
/// They are looked at in one way only, that cannot trap: a closure makes something of a row, and where the row is not as
/// its statement promises, an error is thrown once the closure has run to its end, with values of no meaning. What it did
/// until then must not count.
package struct PostgresRows: Sendable {
    let result: ResultOwner?

    package var count: Int { result?.rowCount ?? 0 }
    package var isEmpty: Bool { count == 0 }

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

/// What did not fit in the rows that are being decoded.
final class RowMisfit {
    private(set) var error: PostgresError?

    /// The first one counts: the others may follow from it.
    func note(_ what: String) {
        if error == nil { error = PostgresError(.server, "a row is not as its statement promises: \(what)") }
    }

    /// - Throws: what was noted, once.
    func check() throws(PostgresError) {
        guard let error else { return }
        self.error = nil
        throw error
    }
}

extension PostgresRows {
    /// Makes a value of each row.
    ///
    /// - Throws: ``PostgresError`` for the first row that does not fit, as all of these.
    package func map<Value>(_ make: (PostgresRow) -> Value) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        try forEach { values.append(make($0)) }
        return values
    }

    /// Makes a value of each row that has one.
    package func compactMap<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        try forEach { row in
            if let value = make(row) { values.append(value) }
        }
        return values
    }

    /// Does something with each row that is of no account should it throw, such as writing to a buffer of the caller's.
    package func forEach(_ body: (PostgresRow) -> Void) throws(PostgresError) {
        guard let result else { return }
        let misfit = RowMisfit()
        for index in 0..<result.rowCount {
            body(PostgresRow(result: result, index: Int32(index), misfit: misfit))
            try misfit.check()
        }
    }

    /// Makes a value of the first row; nil when there is none, or it has no value.
    package func first<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> Value? {
        try isEmpty ? nil : decode(0, make)
    }

    /// Makes a value of the last row; nil when there is none, or it has no value.
    package func last<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> Value? {
        try isEmpty ? nil : decode(count - 1, make)
    }

    /// Makes a value of the row of a statement that always has one.
    package func only<Value>(_ make: (PostgresRow) -> Value) throws(PostgresError) -> Value {
        guard count == 1 else { throw PostgresError(.server, "\(count) rows where there must be one") }
        return try decode(0, make)
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
        let misfit = RowMisfit()
        for index in 0..<count {
            do throws(PostgresError) {
                if let value = try decode(index, misfit, make) { values.append(value) }
            } catch {
                refused.append(error)
            }
        }
        return (values, refused)
    }

    private func decode<Value>(_ index: Int, _ make: (PostgresRow) -> Value) throws(PostgresError) -> Value {
        try decode(index, RowMisfit(), make)
    }

    private func decode<Value>(
        _ index: Int, _ misfit: RowMisfit, _ make: (PostgresRow) -> Value
    ) throws(PostgresError) -> Value {
        guard let result, index < result.rowCount else { throw PostgresError(.server, "no row \(index) of \(count)") }
        let value = make(PostgresRow(result: result, index: Int32(index), misfit: misfit))
        try misfit.check()
        return value
    }
}
