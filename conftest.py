"""What all tests share: hypothesis that looks at no clock, since machines are shared and slow."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
)
settings.load_profile("patient")
