import Concurrency
import CPQ
import UVLoop

/// The servers that a connection URL names.
///
/// libpq would resolve host names itself, blocking the loop, and in asynchronous use it has no timeout for one of
/// several hosts. So each server becomes an attempt of its own, with its address given.
struct ConnectionTarget: Sendable {
    struct Host: Sendable {
        /// A name, an address or the folder of a unix socket; nil: libpq's default.
        let name: String?
        let port: String?
    }

    struct Candidate: Sendable {
        /// Parameters of libpq that override what the URL says.
        let overrides: [(String, String)]
        let label: String
    }

    let url: String
    let applicationName: String
    let hosts: [Host]
    private let hasAddress: Bool
    private let options: String

    /// - Throws: ``PostgresError`` when libpq does not understand the URL.
    init(url: String, applicationName: String) throws(PostgresError) {
        var problem: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(url, &problem) else {
            defer { PQfreemem(problem) }
            // libpq's own text quotes the URL, and with it a password.
            throw PostgresError(.unavailable, "the database URL is malformed")
        }
        defer { PQconninfoFree(parsed) }
        var found: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { found[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.url = url
        self.applicationName = applicationName
        hasAddress = found["hostaddr"] != nil
        options = found["options"] ?? ""
        let names = found["host"].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let ports = (found["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        hosts = (names ?? []).enumerated().map { index, name in
            let port = ports.count == 1 ? ports.first : index < ports.count ? ports[index] : nil
            return Host(name: name.isEmpty ? nil : name, port: port.flatMap { $0.isEmpty ? nil : $0 })
        }
    }

    /// Resolves the host names.
    ///
    /// - Returns: one candidate per address, in the URL's order; names that cannot be resolved are left out.
    func candidates(on loop: EventLoop) async -> [Candidate] {
        guard !hasAddress, !hosts.isEmpty else { return [Candidate(overrides: [], label: "default")] }
        var found: [Candidate] = []
        for host in hosts {
            guard let name = host.name, !name.hasPrefix("/"), !name.hasPrefix("@") else {
                let overrides = [("host", host.name ?? ""), ("port", host.port ?? "")]
                found.append(Candidate(overrides: overrides, label: host.name ?? "default"))
                continue
            }
            let literal = SocketAddress(ip: name, port: 0).map { [$0] }
            let addresses = if let literal { literal } else { (try? await loop.resolve(host: name, port: 0)) ?? [] }
            for address in addresses {
                let overrides = [("host", name), ("hostaddr", address.ip), ("port", host.port ?? "")]
                found.append(Candidate(overrides: overrides, label: "\(name):\(host.port ?? "5432")"))
            }
        }
        return found
    }

    /// All parameters of an attempt, in order: later ones win over what `dbname` holds.
    ///
    /// - Parameter lockTimeout: how long the session's statements wait for a lock; nil: without limit.
    func parameters(for candidate: Candidate, lockTimeout: Duration?) -> [(String, String)] {
        // Dead peers are detected and text formats are fixed; the server checks during long statements whether its
        // client still exists, and ends the sessions of clients that are idle inside a transaction.
        let before = [
            ("client_encoding", "UTF8"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "15000"), ("gssencmode", "disable"),
            ("application_name", applicationName),
        ]
        // Statements are planned once: executing a batch of 500 costs less than planning for its values would, and
        // rows are locked in the order in which the batch names them.
        let session =
            "-c timezone=UTC -c datestyle=ISO -c client_connection_check_interval=5000"
            + " -c idle_in_transaction_session_timeout=60000 -c plan_cache_mode=force_generic_plan"
            + (lockTimeout.map { " -c lock_timeout=\(max(1, $0.milliseconds))" } ?? "")
        let all = options.isEmpty ? session : "\(options) \(session)"
        return before + [("dbname", url)] + candidate.overrides + [("options", all)]
    }
}
