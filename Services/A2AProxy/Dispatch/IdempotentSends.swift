import Authentication
import Contracts
import Crypto
import EventLoop
import Foundation
import HTTPCore
import HTTPServer
import Observability
import PostgresClient

/// `Idempotency-Key`: the outcome of a send is kept for 24 h and given again to whoever sends the same once more.
///
/// A table of its own, touched only by requests that carry the header.
package struct IdempotentSends: Sendable {
    private static let keyLimit = 255
    /// Between tries to write an outcome, or to renew after a failure, while the database is away.
    private static let retryPause: Duration = .seconds(1)
    private static let retries = 600

    private let postgres: PostgresPool
    private let forwarder: Forwarder
    private let loops: EventLoopGroup
    private let instance: String
    private let logger: Logger
    private let lease: Duration
    private var renewal: Duration { lease / 3 }

    /// - Parameter lease: how long a send is believed to run without a word from the instance that runs it.
    package init(
        postgres: PostgresPool, forwarder: Forwarder, loops: EventLoopGroup, instance: String, logger: Logger,
        lease: Duration = .seconds(60)
    ) {
        self.postgres = postgres
        self.forwarder = forwarder
        self.loops = loops
        self.instance = instance
        self.logger = logger
        self.lease = lease
    }

    private static let begin = Statement(
        "idempotent_begin",
        """
        INSERT INTO idempotent_sends (caller, target_id, key, body_hash, lease_owner, lease_until)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
        ON CONFLICT (caller, target_id, key) DO UPDATE SET body_hash = excluded.body_hash, status = 'running',
          lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, response_status = NULL,
          response_type = NULL, response_body = NULL, response_bytes = NULL, created_at = now(),
          expires_at = now() + interval '24 hours'
        WHERE idempotent_sends.expires_at <= now()
          OR idempotent_sends.status = 'running' AND idempotent_sends.lease_until <= now()
            AND idempotent_sends.body_hash = excluded.body_hash
        RETURNING true
        """)

    private static let find = Statement(
        "idempotent_find",
        """
        SELECT body_hash, status, response_status, response_type, response_body, response_bytes FROM idempotent_sends
        WHERE caller = $1 AND target_id = $2 AND key = $3
        """)

    private static let renew = Statement(
        "idempotent_renew",
        """
        UPDATE idempotent_sends SET lease_until = now() + make_interval(secs => $5)
        WHERE caller = $1 AND target_id = $2 AND key = $3 AND lease_owner = $4 AND status = 'running'
        """)

    private static let end = Statement(
        "idempotent_end",
        """
        UPDATE idempotent_sends SET status = 'done', response_status = $5, response_type = $6, response_body = $7,
          response_bytes = $8, lease_owner = NULL, lease_until = NULL
        WHERE caller = $1 AND target_id = $2 AND key = $3 AND lease_owner = $4
        """)

    private static let forget = Statement(
        "idempotent_forget",
        "DELETE FROM idempotent_sends WHERE caller = $1 AND target_id = $2 AND key = $3 AND lease_owner = $4")

    /// A send that runs here: the key of its row and the row's owner.
    private struct RunningSend: Sendable {
        let parameters: [any PostgresEncodable]
        let renewal: Renewal
    }

    /// Goes on for as long as it is held.
    private final class Renewal: Sendable {
        private let task: Task<Void, Never>

        init(_ task: Task<Void, Never>) { self.task = task }

        deinit { task.cancel() }
    }

    /// Forwards a message, once for each key.
    ///
    /// - Throws: `APIError`.
    package func send(
        _ request: Request, from caller: Caller, to id: UUID, keeping kept: Forwarder.Kept = .everything
    ) async throws -> Response {
        guard let key = request.headers["idempotency-key"], !key.isEmpty else {
            return try await forwarder.forward(request, from: caller, to: id, keeping: kept)
        }
        return try await send(request, from: caller, to: id, kept, key: key)
    }

    private func send(
        _ request: Request, from caller: Caller, to id: UUID, _ kept: Forwarder.Kept, key: String
    ) async throws -> Response {
        guard key.utf8.count <= Self.keyLimit, !key.utf8.contains(0) else {
            throw APIError(.badRequest, "invalid Idempotency-Key", reason: "at most \(Self.keyLimit) characters")
        }
        let body = try await request.body.collect(upTo: Limits.requestBody)
        var request = request
        request.body = .bytes(body)
        let place: [any PostgresEncodable] = [caller.workspaceID?.lowercased ?? "console", id, key]
        // The owner names the send, not only the instance: the same instance may run a later one of this key.
        let owner = "\(instance)/\(UUID().lowercased)"
        let begun = try await postgres.query(
            Self.begin, place + [Bytea(sha256(body)), owner, lease.inSeconds])
        if begun.isEmpty { return try await replay(place, body) }
        let send = RunningSend(parameters: place + [owner], renewal: Renewal(Task { await renew(place + [owner]) }))
        do {
            // A stream is not stored, but it runs until the agent has come to its end, which outlives the caller's listening.
            let response = try await forwarder.forward(request, from: caller, to: id, keeping: kept) {
                await end(nil, send)
            }
            if case .stream = response.body { return response }
            await end(response, send)
            return response
        } catch {
            // The agent may have done the work; every other refusal is the platform's, and a further try a new send.
            let error = APIError(describing: error)
            await end(error.sentence == Sentence.agentResponseUnreadable ? error.response : nil, send)
            throw error
        }
    }

    /// Keeps the send running in the table for as long as it does here.
    private func renew(_ parameters: [any PostgresEncodable]) async {
        var pause = renewal
        while (try? await loops.any().sleep(for: pause)) != nil {
            do {
                _ = try await postgres.query(Self.renew, parameters + [lease.inSeconds])
                pause = renewal
            } catch {
                logger.warning("idempotent send not renewed", [.error: .error(error)])
                pause = Self.retryPause
            }
        }
    }

    private func replay(_ place: [any PostgresEncodable], _ body: [UInt8]) async throws -> Response {
        guard let row = try await postgres.query(Self.find, place).first else {
            throw Self.conflict("the first send with this Idempotency-Key has just ended", retryAfter: 1)
        }
        guard row.bytea(0) == sha256(body) else {
            throw Self.conflict("Idempotency-Key was used with another body")
        }
        guard row.string(1) == "done" else {
            throw Self.conflict("the first send with this Idempotency-Key is still running", retryAfter: 5)
        }
        return Response(
            HTTPStatus(row.optionalInt(2) ?? 200),
            headers: HTTPHeaders([
                ("Content-Type", row.optionalString(3) ?? "application/json"), ("Idempotency-Replayed", "true"),
            ]),
            body: .bytes(StoredBody.bytes(row, 4, exactly: 5) ?? []))
    }

    private static func conflict(_ sentence: String, retryAfter: Int? = nil) -> APIError {
        APIError(.conflict, sentence, retryAfter: retryAfter)
    }

    /// Keeps an outcome: the agent's answer, whatever it says, or that the message is queued. No outcome (nil) is
    /// forgotten, so that a further try is a new send; and so are events, however few: what is replayed is an answer, not
    /// something to listen to.
    ///
    /// Whoever waits is answered after the first try. Until one succeeds the send counts as running, so that the work is
    /// not done again because the database was away at its end.
    private func end(_ response: Response?, _ send: RunningSend) async {
        let response = response.flatMap { AgentClient.isEventStream($0.headers) ? nil : $0 }
        if await write(response, send) { return }
        Task {
            for _ in 0..<Self.retries {
                try? await loops.any().sleep(for: Self.retryPause)
                if await write(response, send) { return }
            }
        }
    }

    /// - Returns: false when it is worth another try.
    private func write(_ response: Response?, _ send: RunningSend) async -> Bool {
        do {
            if let response {
                let body = Self.stored(response.body)
                let outcome: [any PostgresEncodable] = [
                    response.status.code, response.headers["content-type"], body.text, body.exact,
                ]
                _ = try await postgres.query(Self.end, send.parameters + outcome)
            } else {
                _ = try await postgres.query(Self.forget, send.parameters)
            }
            return true
        } catch {
            logger.warning("outcome of an idempotent send not kept", [.error: .error(error)])
            return error.kind == .server && !error.isRetryable
        }
    }

    private static func stored(_ body: ResponseBody) -> StoredBody {
        guard case .bytes(let bytes) = body else { return StoredBody([]) }
        return StoredBody(bytes)
    }
}
