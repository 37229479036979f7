"""The sections of unit files and their keys, as systemd's own manual lists them."""

from __future__ import annotations

from tools.code.wordlist import words

# What services, sockets, mounts and swaps share: how a program runs, is bounded, and is ended.
_SHARED = frozenset(
    words(
        """
        AllowedCPUs AllowedMemoryNodes AmbientCapabilities AppArmorProfile BPFProgram BindLogSockets
        BindPaths BindReadOnlyPaths BlockIOAccounting BlockIODeviceWeight BlockIOReadBandwidth
        BlockIOWeight BlockIOWriteBandwidth CPUAccounting CPUAffinity CPUQuota CPUQuotaPeriodSec
        CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUShares CPUWeight
        CacheDirectory CacheDirectoryMode CapabilityBoundingSet ConfigurationDirectory
        ConfigurationDirectoryMode CoredumpFilter CoredumpReceive DefaultMemoryLow DefaultMemoryMin
        Delegate DelegateSubgroup DeviceAllow DevicePolicy DisableControllers DynamicUser
        Environment EnvironmentFile ExecPaths ExecSearchPath ExtensionDirectories ExtensionImages
        ExtraFileDescriptors FileDescriptorStorePreserve FinalKillSignal Group IOAccounting
        IODeviceLatencyTargetSec IODeviceWeight IOReadBandwidthMax IOReadIOPSMax IOSchedulingClass
        IOSchedulingPriority IOWeight IOWriteBandwidthMax IOWriteIOPSMax IPAccounting IPAddressAllow
        IPAddressDeny IPCNamespacePath IPEgressFilterPath IPIngressFilterPath IgnoreSIGPIPE
        ImportCredential InaccessibleDirectories InaccessiblePaths KeyringMode KillMode KillSignal
        LimitAS LimitCORE LimitCPU LimitDATA LimitFSIZE LimitLOCKS LimitMEMLOCK LimitMSGQUEUE
        LimitNICE LimitNOFILE LimitNPROC LimitRSS LimitRTPRIO LimitRTTIME LimitSIGPENDING LimitSTACK
        LiveMountResult LoadCredential LoadCredentialEncrypted LockPersonality LogExtraFields
        LogLevelMax LogNamespace LogRateLimitBurst LogRateLimitIntervalSec LogsDirectory
        LogsDirectoryMode ManagedOOMMemoryPressure ManagedOOMMemoryPressureDurationSec
        ManagedOOMMemoryPressureLimit ManagedOOMPreference ManagedOOMSwap MemoryAccounting
        MemoryDenyWriteExecute MemoryHigh MemoryLimit MemoryLow MemoryMax MemoryMin
        MemoryPressureThresholdSec MemoryPressureWatch MemorySwapMax MemoryZSwapWriteback
        MountAPIVFS MountFlags MountImages NUMAMask NUMAPolicy NetworkNamespacePath Nice NoExecPaths
        NoNewPrivileges OOMScoreAdjust OpenFile PAMName PassEnvironment Personality PrivateBPF
        PrivateDevices PrivateIPC PrivateMounts PrivateNetwork PrivatePIDs PrivateTmp PrivateUsers
        ProcSubset ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs
        ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem ReadOnlyDirectories
        ReadOnlyPaths ReadWriteDirectories ReadWritePaths RemoveIPC RestartKillSignal
        RestartMaxDelaySec RestartMode RestartSteps RestrictAddressFamilies RestrictFileSystems
        RestrictNamespaces RestrictNetworkInterfaces RestrictRealtime RestrictSUIDSGID RootDirectory
        RootEphemeral RootHash RootHashSignature RootImage RootImageOptions RootVerity
        RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve SELinuxContext SecureBits
        SendSIGHUP SendSIGKILL SetCredential SetCredentialEncrypted SetLoginEnvironment Slice
        SmackProcessLabel SocketBindAllow SocketBindDeny StandardError StandardInput
        StandardInputData StandardInputText StandardOutput StartupAllowedCPUs
        StartupAllowedMemoryNodes StartupBlockIOWeight StartupCPUShares StartupCPUWeight
        StartupIOWeight StartupMemoryHigh StartupMemoryMax StateDirectory StateDirectoryMode
        SupplementaryGroups SurviveFinalKillSignal SyslogFacility SyslogIdentifier SyslogLevel
        SyslogLevelPrefix SystemCallArchitectures SystemCallErrorNumber SystemCallFilter
        SystemCallLog TTYColumns TTYPath TTYReset TTYRows TTYVHangup TTYVTDisallocate
        TasksAccounting TasksMax TemporaryFileSystem TimeoutCleanSec TimeoutSec TimerSlackNSec UMask
        UnsetEnvironment User UtmpIdentifier UtmpMode WatchdogSignal WorkingDirectory
        """
    )
)
_UNIT = """
    After AllowIsolate AssertACPower AssertArchitecture AssertCPUFeature AssertCPUPressure
    AssertCPUs AssertCapability AssertControlGroupController AssertCredential
    AssertDirectoryNotEmpty AssertEnvironment AssertFileIsExecutable AssertFileNotEmpty
    AssertFirstBoot AssertGroup AssertHost AssertIOPressure AssertKernelCommandLine
    AssertKernelVersion AssertMemory AssertMemoryPressure AssertNeedsUpdate AssertOSRelease
    AssertPathExists AssertPathExistsGlob AssertPathIsDirectory AssertPathIsEncrypted
    AssertPathIsMountPoint AssertPathIsReadWrite AssertPathIsSymbolicLink AssertSecurity
    AssertUser AssertVirtualization Before BindTo BindsTo CollectMode ConditionACPower
    ConditionArchitecture ConditionCPUFeature ConditionCPUPressure ConditionCPUs
    ConditionCapability ConditionControlGroupController ConditionCredential
    ConditionDirectoryNotEmpty ConditionEnvironment ConditionFileIsExecutable
    ConditionFileNotEmpty ConditionFirmware ConditionFirstBoot ConditionGroup ConditionHost
    ConditionIOPressure ConditionKernelCommandLine ConditionKernelModuleLoaded
    ConditionKernelVersion ConditionMemory ConditionMemoryPressure ConditionNeedsUpdate
    ConditionOSRelease ConditionPathExists ConditionPathExistsGlob ConditionPathIsDirectory
    ConditionPathIsEncrypted ConditionPathIsMountPoint ConditionPathIsReadWrite
    ConditionPathIsSymbolicLink ConditionSecurity ConditionUser ConditionVersion
    ConditionVirtualization Conflicts DefaultDependencies Description Documentation
    FailureAction FailureActionExitStatus IgnoreOnIsolate JobRunningTimeoutSec JobTimeoutAction
    JobTimeoutRebootArgument JobTimeoutSec JoinsNamespaceOf OnFailure OnFailureIsolate
    OnFailureJobMode OnSuccess OnSuccessJobMode PartOf PropagateReloadFrom PropagateReloadTo
    PropagatesReloadTo PropagatesStopTo RebootArgument RefuseManualStart RefuseManualStop
    ReloadPropagatedFrom Requires RequiresMountsFor RequiresOverridable Requisite
    RequisiteOverridable SourcePath StartLimitAction StartLimitBurst StartLimitInterval
    StartLimitIntervalSec StopPropagatedFrom StopWhenUnneeded SuccessAction
    SuccessActionExitStatus SurviveFinalKillSignal Upholds Wants
"""
_SERVICE = """
    BusName ExecCondition ExecReload ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost
    ExitType FailureAction FileDescriptorStoreMax GuessMainPID NonBlocking NotifyAccess
    OOMPolicy PIDFile PermissionsStartOnly RebootArgument RemainAfterExit Restart
    RestartForceExitStatus RestartPreventExitStatus RestartSec RootDirectoryStartOnly
    RuntimeMaxSec RuntimeRandomizedExtraSec Sockets StartLimitAction StartLimitBurst
    StartLimitInterval SuccessExitStatus TimeoutAbortSec TimeoutStartFailureMode TimeoutStartSec
    TimeoutStopFailureMode TimeoutStopSec Type USBFunctionDescriptors USBFunctionStrings
    WatchdogSec
"""
_SOCKET = """
    Accept Backlog BindIPv6Only BindToDevice Broadcast DeferAcceptSec DirectoryMode
    ExecStartPost ExecStartPre ExecStopPost ExecStopPre FileDescriptorName FlushPending FreeBind
    IPTOS IPTTL KeepAlive KeepAliveIntervalSec KeepAliveProbes KeepAliveTimeSec ListenDatagram
    ListenFIFO ListenMessageQueue ListenNetlink ListenSequentialPacket ListenSpecial
    ListenStream ListenUSBFunction Mark MaxConnections MaxConnectionsPerSource
    MessageQueueMaxMessages MessageQueueMessageSize NoDelay PassCredentials PassPacketInfo
    PassSecurity PipeSize Priority ReceiveBuffer RemoveOnStop ReusePort SELinuxContextFromNet
    SendBuffer Service SmackLabel SmackLabelIPIn SmackLabelIPOut SocketGroup SocketMode
    SocketProtocol SocketUser Symlinks TCPCongestion Timestamping Transparent TriggerLimitBurst
    TriggerLimitIntervalSec Writable
"""
_MOUNT = """
    DirectoryMode ForceUnmount LazyUnmount Options ReadWriteOnly SloppyOptions Type What Where
"""
_AUTOMOUNT = """
    DirectoryMode ExtraOptions TimeoutIdleSec Where
"""
_SWAP = """
    Options Priority What
"""
_TIMER = """
    AccuracySec FixedRandomDelay OnActiveSec OnBootSec OnCalendar OnClockChange OnStartupSec
    OnTimezoneChange OnUnitActiveSec OnUnitInactiveSec Persistent RandomizedDelaySec
    RemainAfterElapse Unit WakeSystem
"""
_PATH = """
    DirectoryMode DirectoryNotEmpty MakeDirectory PathChanged PathExists PathExistsGlob
    PathModified TriggerLimitBurst TriggerLimitIntervalSec Unit
"""
_SCOPE = """
    OOMPolicy RuntimeMaxSec RuntimeRandomizedExtraSec TimeoutStopSec
"""
_INSTALL = """
    Alias Also DefaultInstance RequiredBy UpheldBy WantedBy
"""

_ALONE = {
    "Unit": _UNIT,
    "Install": _INSTALL,
    "Timer": _TIMER,
    "Path": _PATH,
    "Automount": _AUTOMOUNT,
}
_STARTING = {
    "Service": _SERVICE,
    "Socket": _SOCKET,
    "Mount": _MOUNT,
    "Swap": _SWAP,
    "Scope": _SCOPE,
    "Slice": "",
}
SECTION_KEYS: dict[str, frozenset[str]] = {
    **{name: frozenset(keys.split()) for name, keys in _ALONE.items()},
    **{name: frozenset(keys.split()) | _SHARED for name, keys in _STARTING.items()},
}

SERVICE_TYPES = ("simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle")
RESTARTS = (
    "no",
    "always",
    "on-success",
    "on-failure",
    "on-abnormal",
    "on-abort",
    "on-watchdog",
)
