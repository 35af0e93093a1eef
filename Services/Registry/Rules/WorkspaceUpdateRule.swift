import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// The fields of a workspace that `PATCH /workspaces/{id}` may change.
struct WorkspaceConfiguration: Sendable, Hashable {
    var name: String
    var role: String?
    var tier: Int
    var parentID: UUID?
    var runtime: String
    var workspaceDirectory: String?
    var maxConcurrentTasks: Int
    var x = 0.0
    var y = 0.0
    var isCollapsed = false
}

/// Validates and applies updates of a workspace. Free of I/O; the store checks the tree.
enum WorkspaceUpdateRule {
    /// - Throws: `APIError` 400 naming the field.
    static func check(_ request: UpdateWorkspaceRequest) throws(APIError) {
        try refuseNull("name", request.name)
        try refuseNull("tier", request.tier)
        try refuseNull("runtime", request.runtime)
        try refuseNull("x", request.x)
        try refuseNull("y", request.y)
        try refuseNull("collapsed", request.collapsed)
        try refuseNull("max_concurrent_tasks", request.maxConcurrentTasks)
        if let name = request.name.value { try NewWorkspaceRule.check(name: name) }
        try NewWorkspaceRule.check("role", request.role.value, upTo: Limits.workspaceRole, isName: true)
        try NewWorkspaceRule.check("runtime", request.runtime.value, upTo: Limits.workspaceModel)
        if request.runtime.value?.isEmpty == true { throw NewWorkspaceRule.invalid("runtime", "is required") }
        try NewWorkspaceRule.check(directory: request.workspaceDirectory.value)
        try NewWorkspaceRule.check(tier: request.tier.value)
        try NewWorkspaceRule.check(maxConcurrentTasks: request.maxConcurrentTasks.value)
    }

    /// Checks the fields that a workspace may change of itself. A prompt-injected agent must not move in the tree, nor
    /// have a folder of the host mounted.
    ///
    /// - Throws: `APIError` 403 naming the first field that is reserved for operators.
    static func checkOwn(_ request: UpdateWorkspaceRequest) throws(APIError) {
        let operators = [
            ("parent_id", request.parentID.isPresent), ("tier", request.tier.isPresent),
            ("runtime", request.runtime.isPresent), ("workspace_dir", request.workspaceDirectory.isPresent),
        ]
        guard let field = operators.first(where: \.1)?.0 else { return }
        throw APIError(.forbidden, ErrorMessage.operatorRequired, field: field)
    }

    /// Whether the platform or its owner starts a workspace is fixed at creation. The runtime `external` stands for the
    /// owner, so it cannot be set or replaced; an external workspace created with another runtime names its framework,
    /// which may change.
    ///
    /// - Throws: `APIError` 400 naming the field.
    static func check(
        _ old: WorkspaceConfiguration, becomes new: WorkspaceConfiguration, isExternal: Bool
    ) throws(APIError) {
        guard (old.runtime == external) != (new.runtime == external) else { return }
        throw NewWorkspaceRule.invalid(
            "runtime", isExternal ? "an external workspace stays what it is" : "a workspace cannot become external")
    }

    private static let external = "external"

    private static func refuseNull<Value>(_ field: String, _ change: Change<Value>) throws(APIError) {
        if case .clear = change { throw NewWorkspaceRule.invalid(field, "must not be null") }
    }

    /// The configuration after a request that was checked.
    static func apply(
        _ request: UpdateWorkspaceRequest, to current: WorkspaceConfiguration
    ) -> WorkspaceConfiguration {
        var new = current
        new.name = request.name.value ?? current.name
        new.role = request.role.applied(to: current.role)
        new.tier = request.tier.value ?? current.tier
        new.parentID = request.parentID.applied(to: current.parentID)
        new.runtime = request.runtime.value ?? current.runtime
        let directory = request.workspaceDirectory.applied(to: current.workspaceDirectory)
        new.workspaceDirectory = directory?.isEmpty == true ? nil : directory
        new.maxConcurrentTasks = request.maxConcurrentTasks.value ?? current.maxConcurrentTasks
        new.x = request.x.value ?? current.x
        new.y = request.y.value ?? current.y
        new.isCollapsed = request.collapsed.value ?? current.isCollapsed
        return new
    }

    /// The names of the fields that differ, as in requests.
    static func changedFields(_ old: WorkspaceConfiguration, _ new: WorkspaceConfiguration) -> [String] {
        [
            ("name", old.name != new.name), ("role", old.role != new.role), ("tier", old.tier != new.tier),
            ("parent_id", old.parentID != new.parentID), ("runtime", old.runtime != new.runtime),
            ("workspace_dir", old.workspaceDirectory != new.workspaceDirectory),
            ("max_concurrent_tasks", old.maxConcurrentTasks != new.maxConcurrentTasks), ("x", old.x != new.x),
            ("y", old.y != new.y), ("collapsed", old.isCollapsed != new.isCollapsed),
        ].filter(\.1).map(\.0)
    }
}

extension Change {
    /// The value after this change.
    fileprivate func applied(to current: Value?) -> Value? {
        switch self {
        case .unchanged: current
        case .clear: nil
        case .set(let value): value
        }
    }
}
