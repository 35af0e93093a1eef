import A2AProxy
import ServiceHost

await ServiceLauncher.run(A2AProxyService.self)
