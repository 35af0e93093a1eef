/// The resource limits of a tier's workspaces.
package struct TierLimits: Sendable, Hashable {
    package let memoryMegabytes: Int
    /// Relative to others on the same machine; 1024 is an engine's usual share.
    package let cpuShares: Int

    package init(memoryMegabytes: Int, cpuShares: Int) {
        self.memoryMegabytes = memoryMegabytes
        self.cpuShares = cpuShares
    }

    /// The defaults of tiers 1 to 4.
    package static let defaults = [
        TierLimits(memoryMegabytes: 512, cpuShares: 512), TierLimits(memoryMegabytes: 512, cpuShares: 1024),
        TierLimits(memoryMegabytes: 2048, cpuShares: 2048), TierLimits(memoryMegabytes: 4096, cpuShares: 4096),
    ]
}

extension [TierLimits] {
    /// The limits of a tier, counted from 1; of the nearest one when there is no such tier.
    func limits(ofTier tier: Int) -> TierLimits { self[Swift.min(Swift.max(tier, 1), count) - 1] }
}
