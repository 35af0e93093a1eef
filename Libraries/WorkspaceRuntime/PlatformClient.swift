import Foundation
import HTTPCore
import JSONBytes
import Observability
import Synchronization
import UVHTTPClient
import UVLoop

/// The platform as one workspace sees it: every call that an agent makes.
///
/// All calls may be made from any task. On a 401 the token's file is read again and the call retried once: another
/// process of the same workspace may have registered or rotated the token meanwhile.
public final class PlatformClient: Sendable {
    /// The longest response that is read, in bytes: an agent's.
    static let responseLimit = 10 << 20

    /// This workspace.
    public let workspaceID: UUID
    /// Its token.
    public let auth: PlatformAuth

    let group: EventLoopGroup
    let logger: Logger
    private let baseURL: String
    private let registrationToken: String?
    private let http: Mutex<HTTPClient>

    /// - Parameters:
    ///   - platformURL: with or without a slash at the end; a path before the platform's own is kept.
    ///   - registrationToken: an operator's bearer for the first registration of an id that does not exist yet.
    package init(
        workspaceID: UUID, platformURL: String, auth: PlatformAuth, registrationToken: String? = nil,
        group: EventLoopGroup, logger: Logger
    ) {
        self.workspaceID = workspaceID
        self.auth = auth
        self.group = group
        self.logger = logger
        self.registrationToken = registrationToken
        baseURL = platformURL.hasSuffix("/") ? String(platformURL.dropLast()) : platformURL
        http = Mutex(HTTPClient(group: group))
    }

    /// This workspace's id in lower case.
    public var id: String { workspaceID.uuidString.lowercased() }

    /// Drops all connections and cached addresses. In-flight calls go on.
    public func reconnect() {
        let fresh = HTTPClient(group: group)
        let old = http.withLock { http in
            defer { http = fresh }
            return http
        }
        old.close()
    }

    func close() { http.withLock { $0 }.close() }

    // MARK: - Calls

    /// The credentials of a call.
    enum Identity {
        /// The token, when there is one.
        case bearer
        /// The token and `X-Workspace-ID`.
        case selfSource
        /// The token, or the operator's before there is one.
        case registration
    }

    struct Call {
        var method: HTTPMethod
        /// Below the platform's URL.
        var path: String
        var body: [UInt8] = []
        var contentType = "application/json"
        var identity = Identity.bearer
        var timeout: Duration = .seconds(10)
        var headers: [String: String] = [:]
        /// Whether it is idempotent: it may be resent when a pooled connection turns out to be closed.
        var isIdempotent = false
    }

    struct PlatformResponse {
        let status: HTTPStatus
        let body: [UInt8]

        /// - Throws: `unexpectedResponse` when it is no JSON object.
        func object() throws(PlatformError) -> JSONObject {
            guard let object = try? JSONObject(validating: body) else {
                throw PlatformError(.unexpectedResponse, status: status.code, detail: "not a JSON object")
            }
            return object
        }

        /// - Throws: `unexpectedResponse` when it is no JSON list of objects.
        func objects() throws(PlatformError) -> [JSONObject] {
            guard let elements = (try? JSONSlice(validating: body))?.elements else {
                throw PlatformError(.unexpectedResponse, status: status.code, detail: "not a JSON list")
            }
            return elements.compactMap(\.object)
        }
    }

    /// Makes a call.
    ///
    /// - Throws: ``PlatformError``, `refused` for every status that is not 2xx.
    @discardableResult
    func send(_ call: Call) async throws(PlatformError) -> PlatformResponse {
        var response = try await sendOnce(call)
        if response.status == .unauthorized {
            auth.refreshCache()
            response = try await sendOnce(call)
        }
        guard response.status.isSuccess else { throw Self.refusal(response) }
        return response
    }

    private func sendOnce(_ call: Call) async throws(PlatformError) -> PlatformResponse {
        var headers = HTTPHeaders()
        for (name, value) in self.headers(call.identity).merging(call.headers, uniquingKeysWith: { $1 }) {
            headers.add(name, value)
        }
        if !call.body.isEmpty { headers.add("Content-Type", call.contentType) }
        return try await exchange(
            call.method, baseURL + call.path, headers, call.body, call.timeout, isIdempotent: call.isIdempotent)
    }

    /// Sends a request to any URL, and maps errors to ``PlatformError``.
    func exchange(
        _ method: HTTPMethod, _ url: String, _ headers: HTTPHeaders, _ body: [UInt8], _ timeout: Duration,
        isIdempotent: Bool = false
    ) async throws(PlatformError) -> PlatformResponse {
        do {
            var request = try ClientRequest(
                method, url, headers: headers, body: body.isEmpty ? .empty : .bytes(body))
            if isIdempotent { request.retriesStaleConnection = true }
            request.totalTimeout = timeout
            request.idleTimeout = IdleTimeout(timeout)
            let client = http.withLock { $0 }
            let response = try await client.send(request, collectUpTo: Self.responseLimit)
            return PlatformResponse(
                status: response.status, body: try await response.body.collect(upTo: Self.responseLimit))
        } catch let error as HTTPClientError {
            throw PlatformError(
                error.kind == .invalidRequest ? .invalidRequest : .unreachable, status: error.status?.code,
                mayHaveArrived: error.delivery != .notDelivered, detail: error.description)
        } catch {
            throw PlatformError(.unreachable, mayHaveArrived: true, detail: String(describing: error))
        }
    }

    private func headers(_ identity: Identity) -> [String: String] {
        switch identity {
        case .bearer: return auth.bearerHeaders
        case .selfSource: return auth.selfSourceHeaders(workspaceID)
        case .registration:
            if auth.token == nil, let registrationToken { return ["Authorization": "Bearer \(registrationToken)"] }
            return auth.bearerHeaders
        }
    }

    private static func refusal(_ response: PlatformResponse) -> PlatformError {
        let sentence = (try? JSONObject(validating: response.body))?["error"]?.string
        let detail = sentence ?? String(decoding: response.body.prefix(200), as: UTF8.self)
        return PlatformError(.refused, status: response.status.code, detail: detail)
    }
}
