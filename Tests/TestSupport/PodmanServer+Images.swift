import Foundation

extension PodmanServer {
    /// Makes an image of nothing but a static busybox and some files, without a registry.
    ///
    /// - Parameters:
    ///   - name: with its tag, e.g. `localhost/agent:latest`.
    ///   - files: texts by absolute path; all of them executable.
    ///   - changes: lines as of a Dockerfile, e.g. `CMD ["/start"]`.
    package func importImage(_ name: String, files: [String: String] = [:], changes: [String]) async throws {
        let root = try TemporaryFolder.make("image")
        let manager = FileManager.default
        try manager.createDirectory(atPath: "\(root)/bin", withIntermediateDirectories: true)
        for folder in ["tmp", "www", "configs"] {
            try manager.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        chmod("\(root)/tmp", 0o1777)
        try await Leash.run(["cp", "/bin/busybox", "\(root)/bin/busybox"])
        for tool in ["sh", "httpd", "cat", "ls", "stat", "env", "sleep", "wget", "id"] {
            try manager.createSymbolicLink(atPath: "\(root)/bin/\(tool)", withDestinationPath: "busybox")
        }
        for (path, text) in files {
            try text.write(toFile: root + path, atomically: true, encoding: .utf8)
            chmod(root + path, 0o755)
        }
        try await Leash.run(["tar", "-C", root, "-cf", "\(root).tar", "."])
        let options = changes.flatMap { ["--change", $0] }
        try await control(["import"] + options + ["\(root).tar", name])
    }
}
