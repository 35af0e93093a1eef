import Foundation
import HTTPCore
import JSONBytes
import Observability
import TestSupport
import UVHTTPClient
import UVLoop

/// Speaks to the platform as a client does.
final class API: Sendable {
    struct ReceivedResponse: Sendable {
        let status: Int
        let headers: HTTPHeaders
        var bytes: [UInt8]

        /// The body as JSON; `null` when it is none.
        var json: JSONValue { (try? JSONValue(decoding: bytes)) ?? .null }
        var text: String { String(decoding: bytes, as: UTF8.self) }
        /// The JSON of the first event of a stream.
        var event: JSONValue {
            let data = text.split(separator: "\n").first { $0.hasPrefix("data:") }?.dropFirst(5)
            return data.flatMap { try? JSONValue(decoding: Array($0.utf8)) } ?? .null
        }
        var isEventStream: Bool { headers["content-type"] == "text/event-stream" }
    }

    let baseURL: String
    private let group = EventLoopGroup(count: 1)
    private let client: HTTPClient

    init(baseURL: String) {
        self.baseURL = baseURL
        client = HTTPClient(group: group) { _, _ in .allowed }
    }

    func close() {
        client.close()
    }

    /// - Parameters:
    ///   - bearer: `nil` for none.
    ///   - body: sent as JSON.
    func call(
        _ method: HTTPMethod, _ path: String, bearer: String? = Platform.adminToken, body: JSONValue? = nil,
        headers: HTTPHeaders = [:], within limit: Duration = .seconds(30)
    ) async throws -> ReceivedResponse {
        guard let url = ClientURL(baseURL + path) else { throw TimedOut("\(path) is no path") }
        var headers = headers
        if let bearer { headers.add("Authorization", "Bearer \(bearer)") }
        if body != nil { headers.add("Content-Type", "application/json") }
        var request = ClientRequest(method, url, headers: headers, body: body.map { .bytes($0.encoded) } ?? .empty)
        request.totalTimeout = limit
        // Services close connections when they are restarted: what is sent into that moment says nothing about them.
        request.retriesStaleConnection = true
        let response = try await client.send(request)
        return ReceivedResponse(
            status: response.status.code, headers: response.headers,
            bytes: try await response.body.collect(upTo: 64 << 20))
    }

    /// As `call`, for bodies that are not what they should be. Of a stream of events only the head is read.
    func raw(
        _ method: HTTPMethod, _ path: String, bearer: String?, body: [UInt8]?, type: String,
        headers: [(name: String, value: String)]
    ) async throws -> ReceivedResponse {
        guard let url = ClientURL(baseURL + path) else { throw TimedOut("\(path) is no path") }
        var fields = HTTPHeaders(headers)
        if let bearer { fields.add("Authorization", "Bearer \(bearer)") }
        if body != nil { fields.add("Content-Type", type) }
        var request = ClientRequest(method, url, headers: fields, body: body.map { .bytes($0) } ?? .empty)
        request.totalTimeout = .seconds(90)
        let response = try await client.send(request)
        var received = ReceivedResponse(status: response.status.code, headers: response.headers, bytes: [])
        if case .stream(let source) = response.body, received.isEventStream {
            source.cancel()
        } else {
            received.bytes = try await response.body.collect(upTo: 1 << 20)
        }
        return received
    }

    /// Reads an event stream.
    ///
    /// - Parameter onBlock: gets each block between blank lines; returns whether it wants more.
    func stream(
        _ path: String, bearer: String? = Platform.adminToken, headers: HTTPHeaders = [:],
        onBlock: (Substring) throws -> Bool
    ) async throws {
        guard let url = ClientURL(baseURL + path) else { throw TimedOut("\(path) is no path") }
        var headers = headers
        if let bearer { headers.add("Authorization", "Bearer \(bearer)") }
        var request = ClientRequest(.get, url, headers: headers)
        request.idleTimeout = IdleTimeout(.seconds(30))
        let response = try await client.send(request)
        guard response.status == .ok, case .stream(let source) = response.body else {
            throw TimedOut("\(path) responded with \(response.status.code)")
        }
        defer { source.cancel() }
        var text = ""
        while let chunk = try await source.next() {
            text += String(decoding: chunk, as: UTF8.self)
            while let end = text.range(of: "\n\n") {
                let wantsMore = try onBlock(text[..<end.lowerBound])
                text.removeSubrange(..<end.upperBound)
                if !wantsMore { return }
            }
        }
    }

    /// The A2A message of a person, or of another workspace.
    func message(
        _ text: String, to workspace: String, id: String = UUID().uuidString.lowercased(),
        from caller: (id: String, token: String)? = nil, within limit: Duration = .seconds(30)
    ) async throws -> ReceivedResponse {
        let body: JSONValue = [
            "jsonrpc": "2.0", "id": .string(id), "method": "message/send",
            "params": [
                "message": [
                    "role": "user", "messageId": .string(id),
                    "parts": [["kind": "text", "text": .string(text)]],
                ]
            ],
        ]
        let headers: HTTPHeaders = caller.map { ["X-Workspace-ID": $0.id] } ?? [:]
        return try await call(
            .post, "/workspaces/\(workspace)/a2a", bearer: caller?.token ?? Platform.adminToken, body: body,
            headers: headers, within: limit)
    }

    func status(of workspace: String) async throws -> String? {
        try await call(.get, "/workspaces/\(workspace)").json["status"]?.string
    }
}
