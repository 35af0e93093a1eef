import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import URLSafety
import UVHTTPServer
import UVLoop

/// Rejects early the addresses that messages cannot be sent to. The authoritative check is the proxy's, on the address
/// that it connects to.
struct RegistrationAddressCheck: Sendable {
    /// The timeout of name resolution: the name server is not trusted. Longer than a resolver's retry interval.
    private static let resolveTimeout: Duration = .seconds(7)

    private let mode: DeploymentMode
    private let loops: EventLoopGroup

    init(_ context: ServiceContext) {
        mode = context.configuration.deployment
        loops = context.loops
    }

    /// - Parameter isProvisioned: the platform's provisioner set it.
    /// - Throws: `APIError` 400 `invalid request body` with `field` and `reason`; 503 when name resolution timed out.
    func check(_ text: String, isProvisioned: Bool = false) async throws {
        try APIError.check("url", bytes: text.utf8.count, upTo: Limits.url)
        let url: SafeURL
        do {
            url = try SafeURL.parse(text)
        } catch {
            throw refusal(error.reason)
        }
        let policy = AddressPolicy(mode: mode, purpose: .registration, isProvisioned: isProvisioned)
        let verdict: AddressPolicy.Verdict
        switch policy.verdict(for: url) {
        case .decided(let decided):
            verdict = decided
        case .resolve(let name):
            let found = try await addresses(of: name, url.port)
            guard let resolved = policy.verdict(forAll: found.map(\.addressBytes)) else {
                throw refusal("does not resolve")
            }
            verdict = resolved
        }
        if !verdict.isAllowed { throw refusal(verdict.reason ?? "is not allowed") }
    }

    /// - Returns: none for a name that does not exist, or that the resolver cannot resolve.
    private func addresses(of name: String, _ port: UInt16) async throws(APIError) -> [SocketAddress] {
        do {
            return try await loops.any().resolve(host: name, port: port, within: Self.resolveTimeout, by: .clients)
        } catch {
            guard error.isLate else { return [] }
            // A timeout is no verdict on the address: a retry may well succeed.
            throw APIError(
                .serviceUnavailable, "the URL's host name was not looked up in time — retry shortly", field: "url",
                retryAfter: Self.retryAfterSeconds)
        }
    }

    private static let retryAfterSeconds = 5

    private func refusal(_ reason: String) -> APIError {
        .invalidBody(field: "url", reason: reason)
    }
}
