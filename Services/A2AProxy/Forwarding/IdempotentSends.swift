import Authentication
import Concurrency
import Contracts
import Crypto
import Foundation
import HTTPCore
import PlatformInternals
import Postgres
import UVHTTPServer

/// `Idempotency-Key`: the outcome of a send is stored for 24 h and replayed when the same request is repeated.
///
/// A separate table, used only by requests that run the header.
package struct IdempotentSends: Sendable {
    private static let keyLimit = 255

    private let postgres: PostgresPool
    private let forwarder: Forwarder
    private let running: RunningSends

    package init(postgres: PostgresPool, forwarder: Forwarder, running: RunningSends) {
        self.postgres = postgres
        self.forwarder = forwarder
        self.running = running
    }

    /// An expired key is treated as new. A run whose lease expired, or was released by its instance, is followed by
    /// another, which may be a redelivery.
    private static let begin = Statement(
        "idempotent_begin",
        """
        INSERT INTO idempotent_sends AS s (caller, target_id, key, body_hash, lease_owner, lease_until, message_id)
        VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7)
        ON CONFLICT (caller, target_id, key) DO UPDATE SET body_hash = excluded.body_hash, status = 'running',
          lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, response_status = NULL,
          response_type = NULL, response_body = NULL, response_bytes = NULL,
          runs = CASE WHEN s.expires_at <= now() THEN 1 ELSE s.runs + 1 END,
          message_id = CASE WHEN s.expires_at <= now() THEN excluded.message_id
            ELSE coalesce(s.message_id, excluded.message_id) END,
          created_at = CASE WHEN s.expires_at <= now() THEN now() ELSE s.created_at END,
          expires_at = CASE WHEN s.expires_at <= now() THEN now() + interval '24 hours' ELSE s.expires_at END
        WHERE s.status = 'done' AND s.expires_at <= now()
          OR s.status = 'running' AND s.lease_until <= now()
            AND (s.expires_at <= now() OR s.body_hash = excluded.body_hash)
        RETURNING runs, message_id
        """)

    private static let find = Statement(
        "idempotent_find",
        """
        SELECT body_hash, status, response_status, response_type, response_body, response_bytes FROM idempotent_sends
        WHERE caller = $1 AND target_id = $2 AND key = $3
        """)

    /// Forwards a message, once for each key.
    ///
    /// - Throws: `APIError`.
    package func send(
        _ request: Request, from caller: Caller, to id: UUID, keeping policy: Forwarder.RecordingPolicy = .everything
    ) async throws -> Response {
        guard let key = try Self.key(of: request) else {
            do {
                return try await forwarder.forward(request, from: caller, to: id, keeping: policy)
            } catch let error as FailedCall {
                throw error.apiError
            }
        }
        return try await send(request, from: caller, to: id, policy, key: key)
    }

    /// - Returns: nil when there is none.
    private static func key(of request: Request) throws(APIError) -> String? {
        guard let bytes = request.headers.withValue(of: "idempotency-key", Array.init), !bytes.isEmpty else {
            return nil
        }
        // Repairing ill-formed UTF-8 might map two keys to one.
        guard bytes.count <= keyLimit, let key = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw APIError(
                .badRequest, "invalid Idempotency-Key", field: "Idempotency-Key",
                reason: "at most \(keyLimit) bytes of UTF-8")
        }
        return key
    }

    private func send(
        _ request: Request, from caller: Caller, to id: UUID, _ policy: Forwarder.RecordingPolicy, key: String
    ) async throws -> Response {
        let body = try await request.body.collect(upTo: Limits.requestBody)
        var request = request
        request.body = .bytes(body)
        let sendKey = SendKey(
            caller: caller.workspaceID?.lowercased ?? caller.operatorKey ?? "console", target: id, key: key)
        let (owner, leasedAt) = (running.makeOwner(), ContinuousClock.now)
        let begun = try await postgres.query(
            Self.begin,
            sendKey.parameters + [Bytea(sha256(body)), owner, running.lease.inSeconds, UUID().lowercased])
        let begins = try begun.first { row in
            IdempotentRun(number: row.int(0), messageID: row.optionalString(1) ?? UUID().lowercased)
        }
        guard let run = begins else { return try await replay(sendKey, body) }
        let send = RunningSend(key: sendKey, owner: owner, run: run)
        running.begin(send, leasedAt: leasedAt)
        return try await perform(request, from: caller, to: id, policy, send)
    }

    /// Makes the call in a task of its own, which is cancelled when another instance takes over the send.
    private func perform(
        _ request: Request, from caller: Caller, to id: UUID, _ policy: Forwarder.RecordingPolicy, _ send: RunningSend
    ) async throws -> Response {
        let call = Task(executorPreference: request.loop) {
            // A stream is not stored, but the run lasts until the agent ends it, also after the caller has
            // disconnected.
            let watch = Forwarder.StreamWatch {
                running.streams(send, $0)
            } onEnd: {
                await running.end(send, .unknown)
            }
            return try await forwarder.forward(
                request, from: caller, to: id, keeping: policy, run: send.run, watch: watch)
        }
        running.onLeaseLost(of: send) { call.cancel() }
        do {
            let response = try await call.value
            running.callReturned(send)
            if case .stream = response.body { return response }
            await running.end(send, SendOutcome(response))
            return response
        } catch {
            guard running.holds(send) else { throw Self.conflict(Self.stillRunning, retryAfter: 5) }
            await running.end(send, SendOutcome(failure: error))
            throw APIError(describing: error)
        }
    }

    private func replay(_ sendKey: SendKey, _ body: [UInt8]) async throws -> Response {
        let stored = try await postgres.query(Self.find, sendKey.parameters).first { row in
            (hash: row.bytea(0), isDone: row.string(1) == "done", response: Self.replayed(row))
        }
        guard let stored else {
            throw Self.conflict("the first send with this Idempotency-Key has just ended", retryAfter: 1)
        }
        guard stored.hash == sha256(body) else {
            throw Self.conflict("Idempotency-Key was used with another body")
        }
        guard stored.isDone else { throw Self.conflict(Self.stillRunning, retryAfter: 5) }
        return stored.response
    }

    private static func replayed(_ row: PostgresRow) -> Response {
        Response(
            HTTPStatus(row.optionalInt(2) ?? 200),
            headers: HTTPHeaders([
                ("Content-Type", row.optionalString(3) ?? "application/json"), ("Idempotency-Replayed", "true"),
            ]),
            body: .bytes(StoredBody.bytes(row, 4, exactly: 5) ?? []))
    }

    private static let stillRunning = "the first send with this Idempotency-Key is still running"

    private static func conflict(_ message: String, retryAfter: Int? = nil) -> APIError {
        APIError(.conflict, message, retryAfter: retryAfter)
    }
}
