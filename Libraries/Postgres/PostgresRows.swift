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

/// The rows of one result, decoded on access.
///
/// Rows are accessed through closures only, and decoding never traps: where a column does not have the expected type,
/// the accessor returns a placeholder, and an error is thrown once the closure has returned. Side effects of the
/// closure must not matter then.
package struct PostgresRows: Sendable {
    let result: ResultOwner?

    package var count: Int { result?.rowCount ?? 0 }
    package var isEmpty: Bool { count == 0 }

    /// Rows inserted, updated, deleted or returned.
    package var affected: Int {
        guard let result else { return 0 }
        return Int(String(cString: PQcmdTuples(result.raw))) ?? 0
    }

    /// The server's command tag, such as `UPDATE 3`.
    package var commandTag: String { result.map { String(cString: PQcmdStatus($0.raw)) } ?? "" }
}

/// The first decoding failure in the rows being decoded.
final class RowDecodingFailure {
    private(set) var error: PostgresError?

    /// Keeps the first failure: later ones may be its consequences.
    func note(_ what: String) {
        if error == nil { error = PostgresError(.server, "a row is not as its statement promises: \(what)") }
    }

    /// - Throws: the recorded failure, once.
    func check() throws(PostgresError) {
        guard let error else { return }
        self.error = nil
        throw error
    }
}

extension PostgresRows {
    /// Maps each row to a value.
    ///
    /// - Throws: ``PostgresError`` for the first row that cannot be decoded, as all of these do.
    package func map<Value>(_ make: (PostgresRow) -> Value) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        try forEach { values.append(make($0)) }
        return values
    }

    /// Maps each row to a value, leaving out nil.
    package func compactMap<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> [Value] {
        var values: [Value] = []
        try forEach { row in
            if let value = make(row) { values.append(value) }
        }
        return values
    }

    /// Calls `body` for each row; its effects must not matter when this throws, such as writes to the caller's own
    /// buffer.
    package func forEach(_ body: (PostgresRow) -> Void) throws(PostgresError) {
        guard let result else { return }
        let failure = RowDecodingFailure()
        for index in 0..<result.rowCount {
            body(PostgresRow(result: result, index: Int32(index), failure: failure))
            try failure.check()
        }
    }

    /// Maps the first row; nil when there is none, or `make` returns nil.
    package func first<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> Value? {
        try isEmpty ? nil : decode(0, make)
    }

    /// Maps the last row; nil when there is none, or `make` returns nil.
    package func last<Value>(_ make: (PostgresRow) -> Value?) throws(PostgresError) -> Value? {
        try isEmpty ? nil : decode(count - 1, make)
    }

    /// Maps the row of a statement that always returns exactly one.
    package func only<Value>(_ make: (PostgresRow) -> Value) throws(PostgresError) -> Value {
        guard count == 1 else { throw PostgresError(.server, "\(count) rows where there must be one") }
        return try decode(0, make)
    }

    /// Maps each row that can be decoded and leaves the others out: for passes over many rows, which one bad row must
    /// not stop.
    ///
    /// - Returns: the values, and the error of each row left out.
    package func decodeEach<Value>(
        _ make: (PostgresRow) -> Value?
    ) -> (values: [Value], refused: [PostgresError]) {
        var values: [Value] = []
        var refused: [PostgresError] = []
        let failure = RowDecodingFailure()
        for index in 0..<count {
            do throws(PostgresError) {
                if let value = try decode(index, failure, make) { values.append(value) }
            } catch {
                refused.append(error)
            }
        }
        return (values, refused)
    }

    private func decode<Value>(_ index: Int, _ make: (PostgresRow) -> Value) throws(PostgresError) -> Value {
        try decode(index, RowDecodingFailure(), make)
    }

    private func decode<Value>(
        _ index: Int, _ failure: RowDecodingFailure, _ make: (PostgresRow) -> Value
    ) throws(PostgresError) -> Value {
        guard let result, index < result.rowCount else { throw PostgresError(.server, "no row \(index) of \(count)") }
        let value = make(PostgresRow(result: result, index: Int32(index), failure: failure))
        try failure.check()
        return value
    }
}
