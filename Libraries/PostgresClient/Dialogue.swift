import CPQ
import EventLoop

/// What cannot run in a pipeline, on a connection taken out of it: several statements in one text, and copying in.
///
/// `@unchecked Sendable`: made by the caller, who hands it to the connection's loop; confined there from then on.
final class Dialogue: @unchecked Sendable {
    typealias Answer = Result<[PostgresRows], PostgresError>

    private let connection: Connection
    private let sql: String
    /// What is copied in, in pieces; nil when the text copies nothing.
    private let data: [[UInt8]]?
    private var nextPiece = 0
    private var isCopying = false
    private var rows: [PostgresRows] = []
    private var error: PostgresError?
    private var completion: UnsafeContinuation<Answer, Never>?

    init(_ connection: Connection, _ sql: String, data: [[UInt8]]? = nil) {
        self.connection = connection
        self.sql = sql
        self.data = data
    }

    func run() async -> Answer {
        await withUnsafeContinuation { continuation in
            completion = continuation
            connection.loop.execute { self.start() }
        }
    }

    private var raw: OpaquePointer { connection.handle.raw }

    private func start() {
        guard connection.isOpen else { return finish(PostgresError(.unavailable, "the connection was lost")) }
        guard connection.leavePipeline(for: self), PQsendQuery(raw, sql) == 1 else { return fail() }
        goOn()
    }

    /// Called when the socket is ready.
    func socketIsReady() {
        guard PQconsumeInput(raw) == 1 else {
            receive()
            return fail()
        }
        goOn()
    }

    /// Called when the connection has ended under the dialogue.
    func connectionEnded(_ error: PostgresError) { finish(self.error ?? error) }

    private func goOn() {
        if isCopying { feed() }
        guard completion != nil else { return }
        guard connection.flushDialogue() else { return fail() }
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
                goOn()
            case PGRES_COPY_OUT, PGRES_COPY_BOTH: return fail(PostgresError(.server, "copying out is not supported"))
            default: error = error ?? PostgresError(result: result)
            }
        }
    }

    /// Gives libpq pieces as long as the socket takes them, so that it never holds much more than one.
    private func feed() {
        let pieces = data ?? []
        while nextPiece < pieces.count {
            let piece = pieces[nextPiece]
            let put = piece.withUnsafeBytes { bytes in
                PQputCopyData(raw, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
            }
            if put < 0 { return fail() }
            if put == 0 { return }
            nextPiece += 1
            if PQflush(raw) != 0 { return }
        }
        // Without data that was asked for, the copy is refused, not empty.
        let end = PQputCopyEnd(raw, data == nil ? "no data" : nil)
        if end < 0 { return fail() }
        if end == 1 { isCopying = false }
    }

    /// The connection cannot be used any more. libpq closes the socket of a broken one by itself, so that the watching
    /// must end in the same moment: the number may be another socket's the next.
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
