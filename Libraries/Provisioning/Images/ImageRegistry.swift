import Crypto
import Foundation
import HTTPCore
import JSONBytes
import UVHTTPClient
import UVLoop

/// Resolves an image's tag to a digest, by a registry's OCI distribution API.
package struct ImageRegistry: Sendable {
    private let http: HTTPClient
    private let credentials: RegistryCredentials?

    package init(credentials: RegistryCredentials?, loops: EventLoopGroup) {
        http = HTTPClient(group: loops)
        self.credentials = credentials
    }

    /// The digest that an image's name refers to now. For a name that is pinned to a digest, no request is made.
    ///
    /// - Throws: `imageMissing`, `refused` or `unavailable`.
    package func digest(of image: String) async throws(ProvisioningError) -> String {
        guard let reference = ImageReference(image) else {
            throw Self.failure(.invalid, "not an image's name: \(image)")
        }
        if let digest = reference.digest { return digest }
        var authorization: String?
        var response = try await manifest(.head, reference, authorization)
        if response.status == .unauthorized {
            authorization = try await authorize(response, reference)
            response = try await manifest(.head, reference, authorization)
        }
        try Self.check(response, reference)
        if let digest = response.headers["docker-content-digest"] { return try Self.checked(digest) }
        // The digest is by definition that of the manifest's bytes.
        response = try await manifest(.get, reference, authorization)
        try Self.check(response, reference)
        return "sha256:" + hex(sha256(response.bytes ?? []))
    }

    // MARK: - Calls

    /// Multi-platform indexes first: the tag refers to the index.
    private static let mediaTypes = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ].joined(separator: ", ")
    /// The registries' own limit for a manifest.
    private static let manifestLimit = 4 << 20
    private static let tokenLimit = 1 << 20

    private func manifest(
        _ method: HTTPMethod, _ reference: ImageReference, _ authorization: String?
    ) async throws(ProvisioningError) -> ClientResponse {
        var headers: HTTPHeaders = ["Accept": Self.mediaTypes]
        if let authorization { headers.add("Authorization", authorization) }
        let url = "\(reference.baseURL)/v2/\(reference.repository)/manifests/\(reference.tag)"
        return try await send(method, url, headers, upTo: Self.manifestLimit)
    }

    private func send(
        _ method: HTTPMethod, _ url: String, _ headers: HTTPHeaders, upTo limit: Int
    ) async throws(ProvisioningError) -> ClientResponse {
        do {
            var request = try ClientRequest(method, url, headers: headers)
            request.connectTimeout = .seconds(10)
            request.totalTimeout = .seconds(30)
            return try await http.send(request, collectUpTo: limit)
        } catch {
            throw Self.failure(error.kind == .invalidRequest ? .invalid : .unavailable, error.description)
        }
    }

    // MARK: - Authentication

    /// - Returns: the value of `Authorization` for the registry's challenge.
    private func authorize(
        _ response: ClientResponse, _ reference: ImageReference
    ) async throws(ProvisioningError) -> String {
        let challenges = response.headers.values("www-authenticate").compactMap(AuthChallenge.init)
        let basic = credentials?.basic(forRegistry: reference.registry)
        if let challenge = challenges.first(where: { $0.scheme == "bearer" }) {
            return "Bearer " + (try await token(challenge, reference, basic))
        }
        if challenges.contains(where: { $0.scheme == "basic" }), let basic { return basic }
        throw Self.failure(.refused, "\(reference.registry) asks who we are")
    }

    private func token(
        _ challenge: AuthChallenge, _ reference: ImageReference, _ basic: String?
    ) async throws(ProvisioningError) -> String {
        let realm = challenge.parameters["realm"] ?? ""
        // A password is sent over a network only encrypted, whatever realm the registry names.
        guard realm.hasPrefix("https://") || (reference.isLocal && realm.hasPrefix("http://")) else {
            throw Self.failure(.refused, "\(reference.registry) names no usable realm")
        }
        let scope = challenge.parameters["scope"] ?? "repository:\(reference.repository):pull"
        let query =
            (challenge.parameters["service"].map { ["service=\($0.percentEncoded)"] } ?? [])
            + ["scope=\(scope.percentEncoded)"]
        var headers: HTTPHeaders = ["Accept": "application/json"]
        if let basic { headers.add("Authorization", basic) }
        let url = realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
        let response = try await send(.get, url, headers, upTo: Self.tokenLimit)
        guard response.status.isSuccess, let json = try? JSONValue(decoding: response.bytes ?? []),
            let token = json["token"]?.string ?? json["access_token"]?.string,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw Self.failure(.refused, "\(reference.registry) gives no token: \(response.status.code)") }
        return token
    }

    // MARK: - Responses

    private static func check(
        _ response: ClientResponse, _ reference: ImageReference
    ) throws(ProvisioningError) {
        switch response.status.code {
        case 200: return
        case 404: throw failure(.imageMissing, "\(reference.registry) has no \(reference.repository):\(reference.tag)")
        case 408, 425, 429, 500...: throw failure(.unavailable, "\(reference.registry): \(response.status.code)")
        default: throw failure(.refused, "\(reference.registry): \(response.status.code)")
        }
    }

    /// A plausible digest: it is only stored and compared.
    private static func checked(_ digest: String) throws(ProvisioningError) -> String {
        let parts = digest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].utf8.count >= 32, digest.utf8.count <= 256,
            digest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw failure(.unavailable, "not a digest: \(digest.prefix(100))") }
        return digest
    }

    private static func failure(_ kind: ProvisioningError.Kind, _ detail: String) -> ProvisioningError {
        ProvisioningError(kind, .pull, detail: detail)
    }
}
