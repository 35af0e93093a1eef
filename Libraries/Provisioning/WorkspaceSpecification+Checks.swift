import Contracts

extension WorkspaceSpecification {
    /// Refuses a specification that no backend could start, before any call is made.
    ///
    /// - Throws: `invalid`, without the offending value.
    func check() throws(ProvisioningError) {
        if token.isEmpty { throw Self.invalid("the token is empty") }
        guard environment.keys.allSatisfy(Self.isVariable) else { throw Self.invalid("a variable's name is unusable") }
        guard environment.values.allSatisfy({ !$0.utf8.contains(0) }) else {
            throw Self.invalid("a variable's value contains a null character")
        }
        guard files.allSatisfy({ Self.isPath($0.path) }) else { throw Self.invalid("a file's path is unusable") }
        guard files.count <= Self.maximumFiles, files.reduce(0, { $0 + $1.bytes.count }) <= Self.maximumBytes else {
            throw Self.invalid("too many files")
        }
        if access != .none, workspaceDirectory == nil { throw Self.invalid("access to a folder that is not named") }
        if let workspaceDirectory, !Self.isAbsolute(workspaceDirectory) {
            throw Self.invalid("the workspace's folder is not an absolute path")
        }
    }

    /// The environment with the variables that the backend sets, which take precedence.
    var runtimeEnvironment: [String: String] {
        environment.merging([
            "WORKSPACE_ID": id.lowercased, "CONFIGS_DIR": WorkspaceName.configsFolder, "HOST": "0.0.0.0",
            "PORT": String(WorkspaceName.port),
        ]) { $1 }
    }

    /// The name of the file with the token, in the config volume.
    static let tokenFile = ".auth_token"

    private static func isVariable(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }
    }

    /// Relative, inside the volume, and not the token's.
    private static func isPath(_ path: String) -> Bool {
        path != tokenFile && !path.utf8.contains(0)
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }

    private static func isAbsolute(_ path: String) -> Bool {
        let whole = path.count > 1 && path.hasSuffix("/") ? path.dropLast() : path[...]
        return whole.hasPrefix("/") && !path.utf8.contains(0)
            && whole.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }

    private static func invalid(_ detail: String) -> ProvisioningError {
        ProvisioningError(.invalid, .start, detail: detail)
    }

    private static let maximumFiles = 2000
    private static let maximumBytes = 64 << 20
}
