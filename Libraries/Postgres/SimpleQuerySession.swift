import CPQ
import UVLoop

/// Runs what pipeline mode cannot, on a connection taken out of it: multi-statement texts and COPY FROM STDIN. Loop
/// thread only.
final class SimpleQuerySession {
    typealias QueryResult = Result<[PostgresRows], PostgresError>

    private let connection: PostgresConnection
    private let sql: String
    /// The data of a COPY, in chunks; nil when the text has no COPY.
    private let data: [[UInt8]]?
    private var nextChunk = 0
    private var isCopying = false
    private var rows: [PostgresRows] = []
    private var error: PostgresError?
    private var completion: UnsafeContinuation<QueryResult, Never>?

    private init(
        _ connection: PostgresConnection, _ sql: String, data: [[UInt8]]?,
        _ completion: UnsafeContinuation<QueryResult, Never>
    ) {
        self.connection = connection
        self.sql = sql
        self.data = data
        self.completion = completion
    }

    /// Runs a text and waits for its results. From any thread.
    static func run(
        _ sql: String, data: [[UInt8]]? = nil, on connection: LoopBound<PostgresConnection>
    ) async -> QueryResult {
        await withUnsafeContinuation { continuation in
            connection.loop.execute {
                SimpleQuerySession(connection.value, sql, data: data, continuation).start()
            }
        }
    }

    private var raw: OpaquePointer { connection.handle.raw }

    private func start() {
        guard connection.isOpen else { return finish(PostgresError(.unavailable, "the connection was lost")) }
        guard connection.leavePipeline(for: self), PQsendQuery(raw, sql) == 1 else { return fail() }
        advance()
    }

    /// Called when the socket is ready.
    func socketIsReady() {
        guard PQconsumeInput(raw) == 1 else {
            receive()
            return fail()
        }
        advance()
    }

    /// Called when the connection is lost meanwhile.
    func connectionEnded(_ error: PostgresError) { finish(self.error ?? error) }

    private func advance() {
        if isCopying { sendCopyData() }
        guard completion != nil else { return }
        guard connection.flushSimpleQuery() else { return fail() }
        if !isCopying { receive() }
    }

    private func receive() {
        while completion != nil, !isCopying, PQisBusy(raw) == 0 {
            guard let result = PQgetResult(raw) else { return finish(error) }
            let owner = ResultOwner(result)
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: rows.append(PostgresRows(result: owner))
            case PGRES_COPY_IN:
                isCopying = true
                advance()
            case PGRES_COPY_OUT, PGRES_COPY_BOTH: return fail(PostgresError(.server, "copying out is not supported"))
            default: error = error ?? PostgresError(result: result)
            }
        }
    }

    /// Passes chunks to libpq while the socket is writable, so that libpq never buffers much more than one.
    private func sendCopyData() {
        let chunks = data ?? []
        while nextChunk < chunks.count {
            let chunk = chunks[nextChunk]
            let put = chunk.withUnsafeBytes { bytes in
                PQputCopyData(raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
            }
            if put < 0 { return fail() }
            if put == 0 { return }
            nextChunk += 1
            if PQflush(raw) != 0 { return }
        }
        // A COPY for which the caller gave no data fails, rather than copying nothing.
        let end = PQputCopyEnd(raw, data == nil ? "no data" : nil)
        if end < 0 { return fail() }
        if end == 1 { isCopying = false }
    }

    /// The connection is unusable. libpq closes the socket of a broken one by itself, so the watcher must be closed at
    /// once: the descriptor may be reused.
    private func fail(_ error: PostgresError? = nil) {
        let error = self.error ?? error ?? .lost(connection.handle.errorText)
        finish(error)
        connection.close(error)
    }

    private func finish(_ error: PostgresError?) {
        guard let completion else { return }
        self.completion = nil
        connection.enterPipeline()
        completion.resume(returning: error.map { .failure($0) } ?? .success(rows))
    }
}
