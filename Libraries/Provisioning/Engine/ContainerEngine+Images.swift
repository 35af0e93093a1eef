import HTTPCore
import JSONBytes

extension BackendClient {
    /// Has an image pulled unless it is there.
    ///
    /// - Returns: who its processes run as, as far as it says so in numbers; root else.
    /// - Throws: `imageMissing` when it cannot be had.
    func ensureImage(
        _ image: String, settings: ProvisionerSettings
    ) async throws(ProvisioningError) -> TarArchive.Owner {
        if let owner = try await owner(of: image) { return owner }
        let problem = try await pull(image, settings.credentials)
        if let owner = try await owner(of: image) { return owner }
        throw ProvisioningError(.imageMissing, .start, detail: problem)
    }

    private func owner(of image: String) async throws(ProvisioningError) -> TarArchive.Owner? {
        let answer = try await send(
            .init(method: .get, target: "/images/\(image.percentEncodedPath)/json", operation: .start))
        if answer.status == .notFound { return nil }
        guard answer.status.isSuccess else { throw answer.failure() }
        return TarArchive.Owner(imageUser: try answer.json()["Config"]?["User"]?.string ?? "")
    }

    /// - Returns: what the engine said last: its answer is a success before the pulling begins.
    private func pull(_ image: String, _ credentials: RegistryCredentials?) async throws(ProvisioningError) -> String {
        var headers = HTTPHeaders()
        if let header = credentials?.header(forImage: image) { headers.add("X-Registry-Auth", header) }
        let answer = try await send(
            .init(
                method: .post, target: "/images/create?fromImage=\(image.percentEncoded)", headers: headers,
                timeout: .seconds(900), operation: .start), keepingLast: 8192)
        if answer.status == .notFound {
            throw ProvisioningError(.imageMissing, .start, detail: answer.explanation)
        }
        guard answer.status.isSuccess else { throw answer.failure() }
        return answer.lastLine
    }
}

extension BackendClient.Answer {
    /// The end of a report of many lines, each of them JSON, in short.
    fileprivate var lastLine: String {
        let line = body.split(separator: UInt8(ascii: "\n")).last { !$0.isEmpty } ?? []
        return BackendClient.Answer(status: status, body: Array(line), operation: operation, secrets: secrets)
            .explanation
    }
}

extension TarArchive.Owner {
    /// - Parameter imageUser: `user` or `user:group`, each a name or a number.
    init(imageUser: String) {
        // A name is known inside the image alone, and the archive's fields have seven digits.
        let numbers = imageUser.split(separator: ":", maxSplits: 1).map { part in
            Int(part).flatMap { (0...0o7777777).contains($0) ? $0 : nil }
        }
        guard let user = numbers.first ?? nil else { return }
        self.user = user
        if numbers.count > 1 { group = numbers[1] ?? 0 }
    }
}
