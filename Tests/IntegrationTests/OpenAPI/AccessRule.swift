/// Who may call an operation: `x-auth`.
enum AccessRule: String, Sendable, CaseIterable {
    case admin
    case workspace
    case ownWorkspace = "own-workspace"
    case registry
    case discovery
    case caller
    case anyToken = "any-token"
    case optional
    case none

    /// What `security` says for it.
    var security: Set<Set<String>> {
        let (token, admin, caller) = ("workspaceToken", "adminToken", "callerID")
        return switch self {
        case .admin: [[admin]]
        case .workspace, .anyToken: [[token], [admin]]
        case .ownWorkspace: [[token]]
        case .registry: [[token], [admin], []]
        case .discovery: [[token, caller], [admin, caller], [caller]]
        case .caller: [[token, caller], [admin, caller], [caller], [admin]]
        case .optional: [[admin], []]
        case .none: []
        }
    }

    /// Whether a request without any credential is refused, at least for a workspace that has a token.
    var demandsCredential: Bool { self != .optional && self != .none }
}

extension AccessRule {
    typealias Workspace = OpenAPICaller.Workspace
    typealias Credential = OpenAPICaller.Credential

    /// What must not be enough.
    func refused(_ own: Workspace, _ other: Workspace) -> [Credential] {
        let caller = self == .discovery || self == .caller ? own.id : nil
        let always = [
            Credential(description: "nothing", caller: caller),
            Credential(description: "a bearer that no one issued", bearer: "wrong", caller: caller),
            Credential(description: "another workspace's token", bearer: other.token, caller: caller),
        ]
        return switch self {
        case .admin: always + [Credential(description: "a workspace's token", bearer: own.token)]
        case .caller:
            always + [
                Credential(description: "nothing, as a person"),
                Credential(description: "a workspace's token, as a person", bearer: own.token),
            ]
        case .workspace, .ownWorkspace, .registry, .discovery: always
        case .anyToken: Array(always.prefix(2))
        case .optional, .none: []
        }
    }

    /// What must be enough, one for each way that there is.
    func accepted(_ own: Workspace) -> [Credential] {
        let caller = self == .discovery || self == .caller ? own.id : nil
        let token = Credential(description: "its token", bearer: own.token, caller: caller)
        let admin = Credential(description: "the operator's token", bearer: Platform.adminToken, caller: caller)
        return switch self {
        case .admin: [admin]
        case .ownWorkspace: [token]
        case .workspace, .registry, .discovery, .anyToken: [token, admin]
        case .caller:
            [token, admin, Credential(description: "the operator's token, as a person", bearer: Platform.adminToken)]
        case .optional, .none:
            [
                Credential(description: "nothing"),
                Credential(description: "a bearer that no one issued", bearer: "wrong"), admin,
            ]
        }
    }
}
