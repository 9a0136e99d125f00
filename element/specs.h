/* The numbers of the properties, and what GObject is told of each. */
#ifndef ADAIN_SPECS_H
#define ADAIN_SPECS_H

#include "adain.h"

enum
{
  PROP_0,
  PROP_WEIGHTS,
  PROP_STYLE,
  PROP_STYLE_WEIGHTS,
  PROP_STYLE_STATISTICS,
  PROP_CURRENT_STATISTICS,
  PROP_MASK,
  PROP_TRANSITION,
  PROP_ALPHA,
  PROP_PRESERVE_COLOR,
  PROP_SMOOTHING,
  PROP_MOTION,
  PROP_NAVIGATION,
  PROP_STYLE_SIZE,
  PROP_PROCESSING_SIZE,
  PROP_LUT,
  PROP_OUTPUT_LUT,
  PROP_HDR,
  PROP_DEVICE,
  PROP_DEVICE_ID,
  PROP_THREADS,
  PROP_PRECISION,
  PROP_STATS,
  N_PROPERTIES
};

void adain_make_specs (GParamSpec ** properties, const AdaInClass * c);

#endif
