import Foundation
import HTTPCore
import JSONBytes
import Templates

/// Makes requests out of what the document says of an operation, with workspaces that exist in place of its examples.
struct OpenAPICaller: Sendable {
    struct Workspace: Sendable {
        let id: String
        let token: String
    }

    /// What a request shows of who makes it.
    struct Credential: Sendable, CustomStringConvertible {
        let description: String
        var bearer: String?
        /// The console's, whole.
        var cookie: String?
        var origin: String?
        /// `X-Workspace-ID`
        var caller: String?
    }

    private let api: API
    /// The ids that the document's examples use.
    private let examples: (own: String, other: String)

    init(api: API, document: OpenAPIDocument) throws {
        self.api = api
        let delegate = try document.operation("POST /workspaces/{id}/delegate")
        guard let own = delegate.parameters.first?["example"]?.string,
            let other = delegate.exampleBody?["target_id"]?.string
        else { throw OpenAPIError("delegating has no examples") }
        examples = (own, other)
    }

    /// A workspace that has a token, and no address.
    func makeWorkspace() async throws -> Workspace {
        let response = try await api.call(.post, "/workspaces", body: ["name": "documented", "external": true])
        guard let id = response.json["id"]?.string, let token = response.json["connection"]?["auth_token"]?.string
        else {
            throw OpenAPIError("create: \(response.status) \(response.text)")
        }
        return Workspace(id: id, token: token)
    }

    /// Calls an operation with its examples.
    ///
    /// - Parameters:
    ///   - path: in place of the example's.
    ///   - body: in place of the example's.
    func call(
        _ operation: OpenAPIOperation, on own: Workspace, and other: Workspace, as credential: Credential,
        path: String? = nil, body: String? = nil
    ) async throws -> API.ReceivedResponse {
        let example = operation.exampleBody.map { String(decoding: $0.encoded, as: UTF8.self) }
        let text = example.map { body ?? inserted($0, own, other) }
        return try await api.raw(
            HTTPMethod(operation.method), path ?? inserted(operation.examplePath, own, other),
            bearer: credential.bearer, body: text.map { Array($0.utf8) }, type: "application/json",
            headers: [
                ("X-Workspace-ID", credential.caller), ("Cookie", credential.cookie), ("Origin", credential.origin),
            ].compactMap { name, value in value.map { (name, $0) } })
    }

    /// The text with workspaces that exist in place of those of the examples.
    func inserted(_ text: String, _ own: Workspace, _ other: Workspace) -> String {
        text.replacing(examples.own, with: own.id).replacing(examples.other, with: other.id)
    }
}
