"""Bits of ``statusFlags`` of generated particles (CMSSW: ``GenStatusFlags``), those in use here."""

from typing import Final

IS_PROMPT: Final = 1 << 0
IS_DECAYED_LEPTON_HADRON: Final = 1 << 1
IS_DIRECT_PROMPT_TAU_DECAY_PRODUCT: Final = 1 << 5
IS_HARD_PROCESS: Final = 1 << 7
FROM_HARD_PROCESS: Final = 1 << 8
FROM_HARD_PROCESS_BEFORE_FSR: Final = 1 << 11
IS_LAST_COPY: Final = 1 << 13
