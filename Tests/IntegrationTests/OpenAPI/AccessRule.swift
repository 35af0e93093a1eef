/// Who may call an operation: `x-auth`.
enum AccessRule: String, Sendable, CaseIterable {
    case admin
    case workspace
    case ownWorkspace = "own-workspace"
    case registry
    case discovery
    case caller
    case anyToken = "any-token"
    case anyBearer = "any-bearer"
    case optional
    case none
    /// A token in the body.
    case signIn = "sign-in"

    /// What `security` says for it.
    var security: Set<Set<String>> {
        let (token, admin, caller, session) = ("workspaceToken", "adminToken", "callerID", "consoleSession")
        return switch self {
        case .admin: [[admin], [session]]
        case .workspace, .anyToken: [[token], [admin], [session]]
        case .anyBearer: [[token], [admin]]
        case .ownWorkspace: [[token]]
        case .registry: [[token], [admin], []]
        case .discovery: [[token, caller], [admin, caller], [caller]]
        case .caller: [[token, caller], [admin, caller], [caller], [admin], [session]]
        case .optional: [[admin], [session], []]
        case .none, .signIn: []
        }
    }

    /// Whether a request without any credential is refused, at least for a workspace that has a token.
    var demandsCredential: Bool { self != .optional && self != .none && self != .signIn }
    /// Whether a credential that is missing or wrong is an error at all.
    var refuses: Bool { demandsCredential || self == .signIn }
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
        case .anyToken, .anyBearer: Array(always.prefix(2))
        // The example's token is none.
        case .signIn: [Credential(description: "nothing")]
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
        case .workspace, .registry, .discovery, .anyToken, .anyBearer: [token, admin]
        case .caller:
            [token, admin, Credential(description: "the operator's token, as a person", bearer: Platform.adminToken)]
        case .signIn: []
        case .optional, .none:
            [
                Credential(description: "nothing"),
                Credential(description: "a bearer that no one issued", bearer: "wrong"), admin,
            ]
        }
    }
}
