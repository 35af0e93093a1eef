import Foundation
import HTTPCore
import JSONBytes
import UVHTTPClient
import UVLoop

/// HTTP calls to a backend, with a timeout for each call, a size limit for each response and a kind for each failure.
struct BackendClient: Sendable {
    struct Call: Sendable {
        var method: HTTPMethod
        /// Path and query, percent-encoded.
        var target: String
        var body: [UInt8] = []
        /// In place of `body`: one that is sent as it is read, and its length in bytes.
        var upload: (source: any HTTPByteSource, length: Int)?
        var contentType = "application/json"
        var headers: HTTPHeaders = [:]
        /// For the whole call.
        var timeout: Duration = .seconds(30)
        var operation: ProvisioningError.Operation
    }

    struct BackendResponse: Sendable {
        let status: HTTPStatus
        let body: [UInt8]
        let operation: ProvisioningError.Operation
        var secrets = SecretText.none
        var headers: HTTPHeaders = [:]

        /// The body as JSON.
        ///
        /// - Throws: `unavailable` when it is not JSON: another server responds there at the moment.
        func json() throws(ProvisioningError) -> JSONValue {
            do {
                return try JSONValue(decoding: body)
            } catch {
                throw ProvisioningError(.unavailable, operation, detail: "the response is not JSON: \(error)")
            }
        }

        /// The error message of the response (`message` of engines, `error` of control planes), truncated, on one line.
        var explanation: String {
            let json = try? JSONValue(decoding: body)
            let text = json?["message"]?.string ?? json?["error"]?.string ?? String(decoding: body, as: UTF8.self)
            // Truncated last: half of a secret would not be recognised.
            let short = secrets.redacted(from: text).prefix(500)
            return "\(status.code) \(short)".replacingOccurrences(of: "\n", with: " ")
        }

        /// Whether the response says that the resource does not exist. Not every 404 does: a wrong address responds
        /// with that, too, and then nothing is known about the workspace.
        var isNotFound: Bool {
            guard status == .notFound, let json = try? JSONValue(decoding: body) else { return false }
            // Engines: `No such container: ...`, `no such volume`. Control planes: a code.
            return json["code"]?.string == "not_found"
                || json["message"]?.string?.lowercased().contains("no such") == true
        }

        /// The error for a response with an unexpected status.
        func failure() -> ProvisioningError { ProvisioningError(kind, operation, detail: explanation) }

        private var kind: ProvisioningError.Kind {
            switch status.code {
            case 409: .conflict
            case 408, 425, 429, 500...: .unavailable
            default: .refused
            }
        }
    }

    private let http: HTTPClient
    private let base: String
    private let socket: String?
    private let headers: HTTPHeaders
    private var secrets = SecretText.none

    /// - Parameters:
    ///   - base: the URL that targets are appended to, without a slash at its end.
    ///   - socket: the Unix socket to connect to in place of the base's host.
    init(loops: EventLoopGroup, base: String, socket: String? = nil, headers: HTTPHeaders = [:]) {
        http = HTTPClient(group: loops)
        self.base = base
        self.socket = socket
        self.headers = headers
    }

    /// The same client, with secrets to redact in its errors.
    func redacting(_ secrets: SecretText) -> BackendClient {
        var client = self
        client.secrets = secrets
        return client
    }

    /// Makes a call and reads its response, whatever its status.
    ///
    /// - Throws: `unavailable` without a response.
    func send(_ call: Call) async throws(ProvisioningError) -> BackendResponse {
        do {
            let response = try await http.send(try request(call), collectUpTo: Self.responseLimit)
            return BackendResponse(
                status: response.status, body: response.bytes ?? [], operation: call.operation, secrets: secrets,
                headers: response.headers)
        } catch {
            throw Self.failure(error, call.operation)
        }
    }

    /// As ``send(_:)``, for a response of any length of which only the last bytes are kept.
    func send(_ call: Call, keepingLast count: Int) async throws(ProvisioningError) -> BackendResponse {
        do {
            let response = try await http.send(try request(call))
            return BackendResponse(
                status: response.status, body: try await Self.tail(of: response.body, count), operation: call.operation,
                secrets: secrets)
        } catch let error as HTTPClientError {
            throw Self.failure(error, call.operation)
        } catch {
            throw ProvisioningError(.unavailable, call.operation, detail: "the response broke off: \(error)")
        }
    }

    /// Makes a call whose response is streamed, with the call's timeout as the idle timeout.
    func open(_ call: Call) async throws(ProvisioningError) -> ClientResponse {
        do {
            var request = try request(call)
            request.totalTimeout = nil
            return try await http.send(request)
        } catch {
            throw Self.failure(error, call.operation)
        }
    }

    private func request(_ call: Call) throws(HTTPClientError) -> ClientRequest {
        var fields = headers
        for field in call.headers { fields.add(field.name, field.value) }
        if !call.body.isEmpty || call.upload != nil { fields.add("Content-Type", call.contentType) }
        let body: HTTPBody = call.upload.map { .stream($0.source) } ?? (call.body.isEmpty ? .empty : .bytes(call.body))
        var request = try ClientRequest(call.method, base + call.target, headers: fields, body: body)
        request.contentLength = call.upload?.length
        request.unixSocketPath = socket
        request.connectTimeout = .seconds(5)
        request.idleTimeout = IdleTimeout(call.timeout)
        request.totalTimeout = call.timeout
        return request
    }

    private static func tail(of body: HTTPBody, _ count: Int) async throws(HTTPBodyError) -> [UInt8] {
        guard case .stream(let source) = body else {
            return Array(try await body.collect(upTo: responseLimit).suffix(count))
        }
        var last: [UInt8] = []
        while let chunk = try await source.next() { last = Array((last + chunk).suffix(count)) }
        return last
    }

    private static func failure(
        _ error: HTTPClientError, _ operation: ProvisioningError.Operation
    ) -> ProvisioningError {
        ProvisioningError(
            error.kind == .invalidRequest ? .invalid : .unavailable, operation, detail: error.description)
    }

    /// Enough for a list of some 50 000 containers.
    private static let responseLimit = 128 << 20
}

extension String {
    /// For one segment of a path or one value of a query.
    var percentEncoded: String { addingPercentEncoding(withAllowedCharacters: .unreserved) ?? "" }

    /// For several segments of a path.
    var percentEncodedPath: String { addingPercentEncoding(withAllowedCharacters: .unreservedAndSlash) ?? "" }
}

extension CharacterSet {
    /// RFC 3986, 2.3. Foundation's `alphanumerics` are Unicode's.
    fileprivate static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
    fileprivate static let unreservedAndSlash = unreserved.union(CharacterSet(charactersIn: "/:@"))
}
