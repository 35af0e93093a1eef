import Foundation
import HTTPCore
import Testing
import UVHTTPClient
import UVLoop

/// Loops shared by all tests of this target; they end with the process.
let loops = EventLoopGroup(count: 2)

func makeClient(
    _ change: (inout HTTPClientConfiguration) -> Void = { _ in },
    policy: @escaping ConnectPolicy = { _, _ in .allowed }
) -> HTTPClient {
    var configuration = HTTPClientConfiguration()
    change(&configuration)
    return HTTPClient(group: loops, configuration: configuration, addressPolicy: policy)
}

/// A client whose time-outs pass only when the test says so.
struct ManualClient {
    private let group = EventLoopGroup(count: 1, hasManualTime: true)
    let client: HTTPClient

    init() { client = HTTPClient(group: group) }

    func advance(by duration: Duration) async { await group.loops[0].advance(by: duration) }

    func stop() {
        client.close()
        group.shutdown()
    }
}

extension HTTPClient {
    func get(_ url: String, _ change: (inout ClientRequest) -> Void = { _ in }) async throws -> ClientResponse {
        var request = try ClientRequest(.get, url)
        change(&request)
        return try await send(request)
    }

    func text(_ url: String, _ change: (inout ClientRequest) -> Void = { _ in }) async throws -> String {
        try await get(url, change).text()
    }
}

extension ClientResponse {
    func text(upTo limit: Int = 1 << 24) async throws -> String {
        String(decoding: try await body.collect(upTo: limit), as: UTF8.self)
    }
}

/// The error with which a call ends.
func failure<T>(
    of operation: () async throws -> T, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> HTTPClientError {
    do {
        _ = try await operation()
    } catch let error as HTTPClientError {
        return error
    }
    Issue.record("the call succeeded", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// Runs an operation on a task that prefers one of the loops, as a request's handler does.
func onLoop<T: Sendable>(_ operation: @escaping @Sendable () async throws -> T) async throws -> T {
    try await Task(executorPreference: loops.next()) { try await operation() }.value
}

/// All tests of the client, one after the other: many measure time, and some keep the loops busy.
@Suite(.serialized)
enum HTTPClientSuite {}
