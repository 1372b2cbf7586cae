"""Geometry, material and resolutions of the simulated detector, close to CMS in 2018.

Lengths in cm, energies in GeV. Track resolutions follow CMS, JINST 9 (2014) P10009; layer positions
the phase-1 pixel detector and the strip tracker; calorimeter segmentation and energy resolutions
CMS, JINST 3 (2008) S08004 and the particle-flow paper, JINST 12 (2017) P10003.
"""

import numpy as np

FIELD_T = 3.8
RADIUS_PER_PT = 100.0 / (0.299792458 * FIELD_T)
"""Radius of curvature (cm) of a track of 1 GeV."""

BEAM_SPOT = (0.0105, -0.0240, 0.2)
"""Centre of the luminous region."""
BEAM_WIDTH = 0.0012
BEAM_LENGTH = 4.0

CALO_RADIUS = 129.0
CALO_LENGTH = 314.0
HF_LENGTH = 1115.0
TRACKER_RADIUS = 112.0
TRACKER_LENGTH = 280.0
TRACKER_ETA = 2.5

PIXEL_BARREL = np.array([2.9, 6.8, 10.9, 16.0])
PIXEL_BARREL_LENGTH = 27.4
PIXEL_DISKS = np.array([29.1, 39.6, 51.6])
PIXEL_DISK_RADII = (4.5, 16.1)
STRIP_BARREL = np.array([25.5, 33.9, 41.8, 49.8, 60.8, 69.2, 78.0, 86.8, 96.5, 108.0])
STRIP_BARREL_LENGTH = np.array([65.0] * 4 + [109.0] * 6)
STRIP_DISKS = np.array(
    [80.0, 90.0, 103.0, 131.0, 145.0, 159.0, 174.0, 188.0, 205.0, 224.0, 244.0, 267.0]
)
STRIP_DISK_INNER = np.array([23.0] * 9 + [31.0, 31.0, 39.0])
STRIP_DISK_OUTER = np.array([50.0] * 3 + [110.0] * 9)
STRIP_STEREO = 4
HIT_EFFICIENCY = 0.985

MATERIAL_ETA = np.array([0.0, 0.8, 1.2, 1.5, 2.0, 2.5])
MATERIAL_X0 = np.array([0.40, 0.60, 1.15, 1.60, 1.40, 1.10])
"""Thickness of the tracker in radiation lengths."""
INTERACTION_PER_X0 = 0.27
"""Nuclear interaction lengths per radiation length of the tracker."""

HADRON_RESOLUTION = (1.0, 0.05)
"""Stochastic and constant term of the calorimeters for hadrons."""
ELECTROMAGNETIC_RESOLUTION = (0.028, 0.005)
HF_EM_RESOLUTION = (1.98, 0.09)
HF_HADRON_RESOLUTION = (2.8, 0.11)

# Noise and thresholds of cells: in the barrel and at abs(eta) = 3, linear in between.
ECAL_NOISE = (0.04, 0.15)
ECAL_FLOOR = (0.1, 0.6)
ECAL_SEEDS = (8, 0.3, 1.0, 9.0)
"""Neighbours that a seed must top, its minimum energy in the barrel and at abs(eta) = 3."""
HCAL_NOISE = (0.1, 0.15)
HCAL_FLOOR = (0.35, 0.5)
HCAL_SEEDS = (4, 0.5, 0.8, 2.5)
HF_NOISE = (0.3, 0.3)
HF_FLOOR = (0.8, 0.8)
