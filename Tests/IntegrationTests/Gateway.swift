import Foundation
import TestSupport

/// nginx with the configuration of `compose/`.
enum Gateway {
    /// - Parameter services: the ports of each service's instances.
    static func start(port: UInt16, services: [(name: String, ports: [UInt16])]) async throws -> Leash {
        let folder = try TemporaryFolder.make("gateway")
        let configuration = try String(contentsOfFile: Repository.path("compose/nginx.conf"), encoding: .utf8)
            .replacing("@RUN@", with: folder).replacing("@WORKERS@", with: "1")
            .replacing("@USER@", with: geteuid() == 0 ? "user root;" : "").replacing("@PORT@", with: "\(port)")
        try configuration.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        for file in ["routes.conf", "refusals.conf", "gateway.conf"] {
            try FileManager.default.copyItem(atPath: Repository.path("compose/\(file)"), toPath: "\(folder)/\(file)")
        }
        let upstreams = services.map { name, ports in
            let servers = ports.map { "    server 127.0.0.1:\($0) max_fails=1 fail_timeout=1s;" }
            return "upstream \(name) {\n    zone \(name) 64k;\n\(servers.joined(separator: "\n"))\n    keepalive 64;\n}"
        }
        try upstreams.joined(separator: "\n").write(
            toFile: folder + "/upstreams.conf", atomically: true, encoding: .utf8)
        return try await Leash.start(
            ["/usr/sbin/nginx", "-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"])
    }
}
