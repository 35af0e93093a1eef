import Foundation

/// One broker, from an `amqp://` or `amqps://` URL.
struct BrokerAddress: Sendable, Hashable {
    let host: String
    let port: Int
    let user: String
    let password: String
    let virtualHost: String
    let usesTLS: Bool

    /// - Throws: `.invalid`; the text has no password in it.
    init(url: String) throws(AMQPError) {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
            scheme == "amqp" || scheme == "amqps"
        else { throw AMQPError(.invalid, "not an amqp:// or amqps:// URL") }
        usesTLS = scheme == "amqps"
        let bare = (parts.host ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        host = bare.isEmpty ? "localhost" : bare
        port = parts.port ?? (usesTLS ? 5671 : 5672)
        guard (1...65535).contains(port) else { throw AMQPError(.invalid, "port \(port) is out of range") }
        user = parts.user ?? "guest"
        password = parts.password ?? "guest"
        let path = parts.percentEncodedPath.dropFirst()
        guard !path.contains("/"), let name = String(path).removingPercentEncoding else {
            throw AMQPError(.invalid, "the virtual host must be one percent-encoded path segment")
        }
        // By RabbitMQ's URI rules `host/` names the virtual host "", which does not exist in practice; most clients
        // read it as the default.
        virtualHost = name.isEmpty ? "/" : name
        // These end in C strings.
        guard ![host, user, password, virtualHost].contains(where: { $0.utf8.contains(0) }) else {
            throw AMQPError(.invalid, "NUL in URL")
        }
    }

    /// Brokers of a comma-separated list.
    static func list(_ urls: String) throws(AMQPError) -> [BrokerAddress] {
        var addresses: [BrokerAddress] = []
        for url in urls.split(separator: ",") {
            addresses.append(try BrokerAddress(url: url.trimmingCharacters(in: .whitespaces)))
        }
        guard !addresses.isEmpty else { throw AMQPError(.invalid, "no broker URL") }
        return addresses
    }
}
