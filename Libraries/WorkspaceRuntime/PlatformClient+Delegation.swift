import Crypto
import Foundation
import HTTPCore
import JSONBytes
import Observability

/// A task delegated from one workspace to another, as the platform lists it.
public struct Delegation: Sendable, Hashable {
    /// Its id.
    public let id: String
    /// `pending`, `dispatched`, `queued`, `completed` or `failed`.
    public let status: String
    /// The workspace that delegated it.
    public let sourceID: String
    /// The workspace that executes it.
    public let targetID: String
    /// The platform's summary.
    public let summary: String
    /// The beginning of the other agent's response. Untrusted: another agent wrote it.
    public let responsePreview: String?
    /// Why it failed. Untrusted, too.
    public let error: String?

    /// Whether its status is final.
    public var isFinished: Bool { status == "completed" || status == "failed" }

    init?(_ object: JSONObject) {
        guard let id = object["delegation_id"]?.string, !id.isEmpty else { return nil }
        self.id = id
        status = object["status"]?.string ?? ""
        sourceID = object["source_id"]?.string ?? ""
        targetID = object["target_id"]?.string ?? ""
        summary = object["summary"]?.string ?? ""
        responsePreview = object["response_preview"]?.string
        error = object["error"]?.string
    }
}

/// Delegation to other workspaces.
extension PlatformClient {
    /// Delegates a task and returns at once; the result is announced after a later heartbeat.
    ///
    /// - Parameter idempotencyKey: the same key identifies the same delegation; by default it is made from the task and
    ///   the target.
    /// - Returns: the delegation's id.
    /// - Throws: ``PlatformError``.
    public func delegate(
        _ task: String, to target: UUID, idempotencyKey: String? = nil
    ) async throws(PlatformError) -> String {
        let targetID = target.uuidString.lowercased()
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("target_id", targetID)
            writer.member("task", task)
            writer.member("idempotency_key", idempotencyKey ?? Self.idempotencyKey(task, to: targetID))
        }
        // The idempotency key makes it safe to repeat.
        let response = try await send(
            Call(method: .post, path: "/workspaces/\(id)/delegate", body: writer.bytes, isIdempotent: true))
        guard let delegation = try response.object()["delegation_id"]?.string else {
            throw PlatformError(.unexpectedResponse, status: response.status.code, detail: "no delegation_id")
        }
        return delegation
    }

    /// What this workspace delegated, newest first. An id may be listed twice; its first finished entry counts.
    public func delegations() async throws(PlatformError) -> [Delegation] {
        try await send(Call(method: .get, path: "/workspaces/\(id)/delegations")).objects()
            .compactMap(Delegation.init)
    }

    /// The current state of one delegation.
    public func delegation(_ delegationID: String) async throws(PlatformError) -> Delegation {
        let path = "/workspaces/\(id)/delegations/\(Self.encode(delegationID))"
        guard let delegation = Delegation(try await send(Call(method: .get, path: path)).object()) else {
            throw PlatformError(.unexpectedResponse, detail: "no delegation_id")
        }
        return delegation
    }

    /// Sends a task directly to a peer and waits for its response. Reports activity to the platform before and after.
    ///
    /// - Parameter timeout: for the peer's response.
    /// - Returns: the text of the response.
    /// - Throws: ``PlatformError``; `refused` also when the peer responds with an error.
    public func delegateAndWait(
        _ task: String, to target: UUID, timeout: Duration = .seconds(600)
    ) async throws(PlatformError) -> String {
        let peer = try await discover(target)
        var activity = ActivityReport(.messageSent, summary: "Delegating to \(peer.name ?? "a peer"): \(task)")
        activity.targetID = target
        activity.task = task
        await reportQuietly(activity)
        activity.kind = .messageReceived
        do throws(PlatformError) {
            let text = try await sendTask(peer.url, task, timeout)
            activity.result = text
            await reportQuietly(activity)
            return text
        } catch {
            activity.status = "error"
            activity.errorDetail = error.detail
            await reportQuietly(activity)
            throw error
        }
    }

    /// The peer's URL is not the platform's: no credential is sent there.
    private func sendTask(_ url: String, _ task: String, _ timeout: Duration) async throws(PlatformError) -> String {
        let body = OutgoingMessage(text: task).envelope
        let headers: HTTPHeaders = ["Content-Type": "application/json"]
        let response = try await exchange(.post, url, headers, body, timeout)
        guard response.status.isSuccess else {
            throw PlatformError(.refused, status: response.status.code, detail: "the peer refused")
        }
        let object = try response.object()
        if let error = object["error"], !error.isNull {
            throw PlatformError(.refused, detail: error.find("message")?.string ?? "the peer failed")
        }
        return A2AText.ofResult(object["result"])
    }

    /// Reports an activity; a failure to do so must not fail the task.
    private func reportQuietly(_ activity: ActivityReport) async {
        do throws(PlatformError) {
            try await report(activity)
        } catch {
            logger.debug("an activity was not reported", [.error: .error(error)])
        }
    }

    /// The same as in other runtimes, so that an agent that is moved to another runtime repeats nothing.
    static func idempotencyKey(_ task: String, to target: String) -> String {
        String(hex(sha256("\(target):\(task)")).prefix(32))
    }
}
