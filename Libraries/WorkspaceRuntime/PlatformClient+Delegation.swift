import Crypto
import Foundation
import HTTPCore
import JSONBytes
import Observability

/// A task that this workspace handed to another, as the platform lists it.
public struct Delegation: Sendable, Hashable {
    /// Its id.
    public let id: String
    /// `pending`, `dispatched`, `queued`, `completed` or `failed`.
    public let status: String
    /// Who handed it over.
    public let sourceID: String
    /// Who does it.
    public let targetID: String
    /// The platform's own words.
    public let summary: String
    /// The beginning of the other agent's answer. Not to be trusted: another agent wrote it.
    public let responsePreview: String?
    /// Why it failed. Not to be trusted either.
    public let error: String?

    /// Nothing more will happen to it.
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

/// Handing tasks to other workspaces.
extension PlatformClient {
    /// Hands a task over and comes back at once; the result is announced after a later heartbeat.
    ///
    /// - Parameter idempotencyKey: the same key names the same delegation; by default the same task to the same target
    ///   is one.
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
        // Its key makes two of them one.
        let answer = try await send(
            Call(method: .post, path: "/workspaces/\(id)/delegate", body: writer.bytes, mayRepeat: true))
        guard let delegation = try answer.object()["delegation_id"]?.string else {
            throw PlatformError(.unexpectedAnswer, status: answer.status.code, detail: "no delegation_id")
        }
        return delegation
    }

    /// What this workspace delegated, newest first. An id may be listed twice; its first finished entry counts.
    public func delegations() async throws(PlatformError) -> [Delegation] {
        try await send(Call(method: .get, path: "/workspaces/\(id)/delegations")).objects()
            .compactMap(Delegation.init)
    }

    /// One delegation with what the platform knows about it now.
    public func delegation(_ delegationID: String) async throws(PlatformError) -> Delegation {
        let path = "/workspaces/\(id)/delegations/\(Self.encode(delegationID))"
        guard let delegation = Delegation(try await send(Call(method: .get, path: path)).object()) else {
            throw PlatformError(.unexpectedAnswer, detail: "no delegation_id")
        }
        return delegation
    }

    /// Has a peer do a task and waits for its answer, talking to the peer itself. The platform is told before and after.
    ///
    /// - Parameter timeout: for the peer's answer.
    /// - Returns: the text of the answer.
    /// - Throws: ``PlatformError``; `refused` also when the peer answers with an error.
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
            let text = try await ask(peer.url, task, timeout)
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

    /// The peer's own URL is not the platform: no credential of ours goes there.
    private func ask(_ url: String, _ task: String, _ timeout: Duration) async throws(PlatformError) -> String {
        let body = OutgoingMessage(text: task).envelope
        let headers: HTTPHeaders = ["Content-Type": "application/json"]
        let answer = try await exchange(.post, url, headers, body, timeout)
        guard answer.status.isSuccess else {
            throw PlatformError(.refused, status: answer.status.code, detail: "the peer refused")
        }
        let object = try answer.object()
        if let error = object["error"], !error.isNull {
            throw PlatformError(.refused, detail: error.find("message")?.string ?? "the peer failed")
        }
        return A2AText.ofResult(object["result"])
    }

    /// Reports are for people who watch; a task must not fail for want of an audience.
    private func reportQuietly(_ activity: ActivityReport) async {
        do throws(PlatformError) {
            try await report(activity)
        } catch {
            logger.debug("an activity was not reported", [.error: .error(error)])
        }
    }

    /// The same as other runtimes use, so that an agent moved from one to the other repeats nothing.
    static func idempotencyKey(_ task: String, to target: String) -> String {
        String(hex(sha256("\(target):\(task)")).prefix(32))
    }
}
