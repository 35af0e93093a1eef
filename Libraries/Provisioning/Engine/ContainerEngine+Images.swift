import HTTPCore
import JSONBytes

extension ContainerEngine: ImageBackend {
    package func pull(_ image: String) async throws(ProvisioningError) -> String {
        let client = client.redacting(SecretText([settings.credentials?.token]))
        let report = try await client.pull(image, settings.credentials, for: .pull)
        if report.hasError { throw ProvisioningError(.imageMissing, .pull, detail: report.lastLine) }
        let response = try await client.inspectImage(image, for: .pull)
        guard response.status.isSuccess else { throw response.failure() }
        guard let id = try response.json()["Id"]?.string else {
            throw ProvisioningError(.unavailable, .pull, detail: "the engine names no id of \(image)")
        }
        return Self.withoutAlgorithm(id)
    }

    package func image(of workspace: WorkspaceName) async throws(ProvisioningError) -> ContainerImage? {
        let response = try await inspect(workspace.container, for: .inspect)
        if response.isNotFound { return nil }
        guard response.status.isSuccess else { throw response.failure() }
        let json = try response.json()
        guard let name = json["Config"]?["Image"]?.string, let id = json["Image"]?.string else { return nil }
        return ContainerImage(name: name, id: Self.withoutAlgorithm(id))
    }

    /// Engines write an id with and without its `sha256:`.
    private static func withoutAlgorithm(_ id: String) -> String {
        id.split(separator: ":").last.map(String.init) ?? id
    }
}

extension BackendClient {
    /// Pulls an image unless it is present.
    ///
    /// - Returns: the user of its processes, when it is given as numbers; else root.
    /// - Throws: `imageMissing` when it cannot be pulled.
    func ensureImage(
        _ image: String, settings: ProvisionerSettings
    ) async throws(ProvisioningError) -> TarArchive.Owner {
        if let owner = try await owner(of: image) { return owner }
        let report = try await pull(image, settings.credentials, for: .start)
        if let owner = try await owner(of: image) { return owner }
        throw ProvisioningError(.imageMissing, .start, detail: report.lastLine)
    }

    private func owner(of image: String) async throws(ProvisioningError) -> TarArchive.Owner? {
        let response = try await inspectImage(image, for: .start)
        if response.status == .notFound { return nil }
        guard response.status.isSuccess else { throw response.failure() }
        return TarArchive.Owner(imageUser: try response.json()["Config"]?["User"]?.string ?? "")
    }

    fileprivate func inspectImage(
        _ image: String, for operation: ProvisioningError.Operation
    ) async throws(ProvisioningError) -> BackendResponse {
        try await send(.init(method: .get, target: "/images/\(image.percentEncodedPath)/json", operation: operation))
    }

    /// - Returns: the end of the engine's report: the status of its response is sent before the pull begins.
    fileprivate func pull(
        _ image: String, _ credentials: RegistryCredentials?, for operation: ProvisioningError.Operation
    ) async throws(ProvisioningError) -> BackendResponse {
        var headers = HTTPHeaders()
        if let header = credentials?.header(forImage: image) { headers.add("X-Registry-Auth", header) }
        let response = try await send(
            .init(
                method: .post, target: "/images/create?fromImage=\(image.percentEncoded)", headers: headers,
                timeout: .seconds(900), operation: operation), keepingLast: 8192)
        if response.status == .notFound {
            throw ProvisioningError(.imageMissing, operation, detail: response.explanation)
        }
        guard response.status.isSuccess else { throw response.failure() }
        return response
    }
}

extension BackendClient.BackendResponse {
    /// Whether one of the report's lines, most often the last one, says that the pull failed.
    fileprivate var hasError: Bool {
        body.split(separator: UInt8(ascii: "\n")).contains { line in
            guard let json = try? JSONValue(decoding: Array(line)) else { return false }
            return json["error"]?.string.map { !$0.isEmpty } ?? false || json["errorDetail"]?.object != nil
        }
    }

    /// The message of the last of the report's lines, each of which is JSON.
    fileprivate var lastLine: String {
        let line = body.split(separator: UInt8(ascii: "\n")).last { !$0.isEmpty } ?? []
        return BackendClient.BackendResponse(status: status, body: Array(line), operation: operation, secrets: secrets)
            .explanation
    }
}

extension TarArchive.Owner {
    /// - Parameter imageUser: `user` or `user:group`, each a name or a number.
    init(imageUser: String) {
        // Names can be resolved inside the image alone, and the archive's fields have seven digits.
        let numbers = imageUser.split(separator: ":", maxSplits: 1).map { part in
            Int(part).flatMap { (0...0o7777777).contains($0) ? $0 : nil }
        }
        guard let user = numbers.first ?? nil else { return }
        self.user = user
        if numbers.count > 1 { group = numbers[1] ?? 0 }
    }
}
