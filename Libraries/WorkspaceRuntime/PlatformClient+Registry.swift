import Foundation
import HTTPCore
import JSONBytes
import Observability

/// A workspace that this one may talk to.
public struct Peer: Sendable, Hashable {
    /// Its id, in lower case.
    public let id: String
    /// The display name.
    public let name: String
    /// For instance `online`.
    public let status: String
    /// Its role, when one was set.
    public let role: String?
    /// Its parent in the tree; nil for a root.
    public let parentID: String?
}

/// Registration, heartbeats and discovery.
extension PlatformClient {
    /// Registers this agent, and saves the token that the platform issues the first time.
    ///
    /// - Parameters:
    ///   - url: the agent's URL for the platform and peers.
    ///   - card: the agent card.
    /// - Returns: whether a new token was issued.
    /// - Throws: ``PlatformError``; 410 when the workspace was removed.
    @discardableResult
    public func register(url: String, card: AgentCard) async throws(PlatformError) -> Bool {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("id", id)
            writer.member("url", url)
            writer.member("agent_card", raw: card.json)
        }
        let response = try await send(
            Call(method: .post, path: "/registry/register", body: writer.bytes, identity: .registration))
        guard let token = try response.object()["auth_token"]?.string, !token.isEmpty else { return false }
        do throws(PlatformAuth.SaveError) {
            try auth.save(token)
        } catch {
            logger.error("the token could not be saved; a restarted agent will not have it", [.error: .error(error)])
        }
        return true
    }

    /// Sends one heartbeat.
    ///
    /// - Throws: ``PlatformError``; 404 when the platform does not know the workspace, 410 when it was removed.
    public func heartbeat(_ report: HeartbeatReport) async throws(PlatformError) {
        try await send(Call(method: .post, path: "/registry/heartbeat", body: report.json(id: id), isIdempotent: true))
    }

    /// The workspaces that this one may talk to: its parent, its children and its siblings.
    ///
    /// - Parameter query: a part of the name or role; nil for all.
    public func peers(matching query: String? = nil) async throws(PlatformError) -> [Peer] {
        var path = "/registry/\(id)/peers"
        if let query { path += "?q=" + Self.encode(query) }
        return try await send(Call(method: .get, path: path, identity: .selfSource)).objects().compactMap { peer in
            guard let id = peer["id"]?.string else { return nil }
            return Peer(
                id: id, name: peer["name"]?.string ?? id, status: peer["status"]?.string ?? "",
                role: peer["role"]?.string, parentID: peer["parent_id"]?.string)
        }
    }

    /// The URL and the name of a peer.
    ///
    /// - Throws: ``PlatformError``; 403 when the two may not talk, 503 when it is not reachable now.
    public func discover(_ target: UUID) async throws(PlatformError) -> (url: String, name: String?) {
        let path = "/registry/discover/\(target.uuidString.lowercased())"
        let response = try await send(Call(method: .get, path: path, identity: .selfSource))
        guard let url = try response.object()["url"]?.string, !url.isEmpty else {
            throw PlatformError(.unexpectedResponse, status: response.status.code, detail: "no url for the peer")
        }
        return (url, try response.object()["name"]?.string)
    }

    static func encode(_ text: String) -> String {
        let plain = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\u{0}"..."\u{7F}"))
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }
}
