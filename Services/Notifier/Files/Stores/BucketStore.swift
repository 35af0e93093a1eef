import Crypto
import Foundation
import HTTPCore
import UVHTTPClient
import UVLoop

/// Files in a bucket of an S3-compatible store, addressed by its path: `<bucket>/chat-files/<workspace>/<stored name>`.
struct BucketStore: FileStore {
    /// What it needs to know of the store.
    struct Address: Sendable {
        /// Scheme, host and port.
        var url: ClientURL
        var bucket: String
        var signature: BucketSignature
    }

    /// Tries of one call, those that failed included.
    private static let attempts = 3
    /// Of one try, with all that is sent.
    private static let timeout: Duration = .seconds(120)

    private let address: Address
    private let http: HTTPClient

    init(_ address: Address, loops: EventLoopGroup) {
        self.address = address
        http = HTTPClient(group: loops)
    }

    func put(_ file: SpooledFile, of workspace: UUID, on loop: EventLoop) async throws(FileStoreError) {
        let response = try await call(.put, file.name.stored, of: workspace, payload: hex(file.digest), on: loop) {
            request in
            // An empty body of known length, too, says so.
            request.body =
                file.size == 0
                ? .empty
                : .stream(DescriptorSource(file.file.descriptor, owner: file.file, 0..<file.size, on: loop))
            request.contentLength = file.size
        }
        guard response.status.isSuccess else { throw await Self.failure(response) }
        _ = try? await response.body.collect(upTo: 64 * 1024)
    }

    func open(
        _ stored: String, of workspace: UUID, size: Int, range: Range<Int>, on loop: EventLoop
    ) async throws(FileStoreError) -> any HTTPByteSource {
        guard !range.isEmpty else { return BytesSource([]) }
        let isPart = range != 0..<size
        let response = try await call(.get, stored, of: workspace, payload: BucketSignature.noPayload, on: loop) {
            request in
            request.totalTimeout = nil
            if isPart { request.headers.add("Range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)") }
        }
        switch response.status {
        case 206 where isPart:
            let expected = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            try Self.check(response, "Content-Range", expected, stored)
            try Self.check(response, "Content-Length", "\(range.count)", stored)
            return SlicedSource(response.body.source, 0..<range.count)
        // One that takes no notice of ranges.
        case 200:
            try Self.check(response, "Content-Length", "\(size)", stored)
            return SlicedSource(response.body.source, range)
        // It ends before the range begins.
        case 404, 416: throw FileStoreError(.missing, stored)
        default: throw await Self.failure(response)
        }
    }

    /// An object of another size than was kept is another one. Where the store does not say, the end of its body does.
    private static func check(
        _ response: ClientResponse, _ name: String, _ expected: String, _ stored: String
    ) throws(FileStoreError) {
        guard let said = response.headers[name], said != expected else { return }
        response.body.source.cancel()
        throw FileStoreError(.missing, "\(stored): \(name) is \(said), not \(expected)")
    }

    func remove(_ stored: String, of workspace: UUID, on loop: EventLoop) async throws(FileStoreError) {
        let response = try await call(
            .delete, stored, of: workspace, payload: BucketSignature.noPayload, on: loop
        ) { _ in }
        guard response.status.isSuccess || response.status == .notFound else { throw await Self.failure(response) }
        _ = try? await response.body.collect(upTo: 64 * 1024)
    }

    /// An object is there as a whole, or not at all.
    func sweep(on loop: EventLoop) async throws(FileStoreError) {}

    /// Makes a call, and makes it again when it failed in a way that may pass. All of them may be done twice.
    private func call(
        _ method: HTTPMethod, _ stored: String, of workspace: UUID, payload: String, on loop: EventLoop,
        _ change: (inout ClientRequest) -> Void
    ) async throws(FileStoreError) -> ClientResponse {
        var attempt = 1
        while true {
            let failure: FileStoreError
            do throws(HTTPClientError) {
                let response = try await http.send(request(method, stored, of: workspace, payload, change))
                guard response.status.code >= 500 || response.status == .tooManyRequests, attempt < Self.attempts else {
                    return response
                }
                failure = await Self.failure(response)
            } catch {
                failure = FileStoreError(.unavailable, error.description)
            }
            guard attempt < Self.attempts, (try? await loop.sleep(for: .milliseconds(250 * attempt))) != nil else {
                throw failure
            }
            attempt += 1
        }
    }

    /// A fresh body and signature each time.
    private func request(
        _ method: HTTPMethod, _ stored: String, of workspace: UUID, _ payload: String,
        _ change: (inout ClientRequest) -> Void
    ) -> ClientRequest {
        let path = "/\(address.bucket)/chat-files/\(workspace.uuidString.lowercased())/\(stored)"
        let fields = address.signature.fields(
            method, host: address.url.authority, path: path, payload: payload, at: Date())
        var request = ClientRequest(method, address.url.with(target: path), headers: fields)
        request.connectTimeout = .seconds(5)
        request.idleTimeout = IdleTimeout(.seconds(60))
        request.totalTimeout = Self.timeout
        change(&request)
        return request
    }

    private static func failure(_ response: ClientResponse) async -> FileStoreError {
        let body = (try? await response.body.collect(upTo: 64 * 1024)) ?? []
        return FileStoreError(
            .unavailable, "\(response.status.code) \(String(decoding: body.prefix(300), as: UTF8.self))")
    }
}
