import Foundation

/// Where Redis is, and how to log in: `redis://[[user]:password@]host[:port][/db]`.
struct RedisAddress: Sendable, Hashable {
    let host: String
    let port: UInt16
    let user: String?
    let password: String?
    let database: Int

    /// - Throws: `.invalid`; the text has no password in it.
    init(url: String) throws(RedisError) {
        guard let parts = URLComponents(string: url), parts.scheme?.lowercased() == "redis" else {
            throw RedisError(.invalid, "not a redis:// URL")
        }
        let bare = (parts.host ?? "").trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        host = bare.isEmpty ? "localhost" : bare
        guard let port = UInt16(exactly: parts.port ?? 6379), port > 0 else {
            throw RedisError(.invalid, "the port is out of range")
        }
        self.port = port
        user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        password = parts.password
        let path = parts.path.drop { $0 == "/" }
        guard let database = path.isEmpty ? 0 : Int(path), database >= 0 else {
            throw RedisError(.invalid, "the path must be the number of a database")
        }
        self.database = database
    }

    /// The commands that a new connection starts with. The last one shows that Redis responds: a stopped process
    /// accepts connections too.
    var handshakeCommands: [[RedisArgument]] {
        var commands: [[RedisArgument]] = []
        if let password {
            commands.append(["AUTH"] + (user.map { [RedisArgument($0)] } ?? []) + [RedisArgument(password)])
        }
        if database != 0 { commands.append(["SELECT", RedisArgument(database)]) }
        commands.append(["PING"])
        return commands
    }
}
