//go:build cgo && (linux || darwin)

#ifndef SPARSEPO_EXPONENTIAL_H
#define SPARSEPO_EXPONENTIAL_H

#include "processor.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

INLINE float bits_of(int32_t i) {
	float f;
	memcpy(&f, &i, sizeof f);
	return f;
}

// exponential has a relative error below 2^-22; results below the smallest normal number are 0.
INLINE float exponential(float x) {
	float y = x < -87.0f ? -87.0f : x;
	y = y > 88.7f ? 88.7f : y;
	float n = (y * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
	float r = y - n * 0.693359375f;
	r = r + n * 2.12194440e-4f;
	float p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.0f;
	float scaled = p * bits_of(((int32_t)n + 126) << 23) * 2.0f;
	scaled = x < -87.0f ? 0.0f : scaled;
	scaled = x > 88.7228f ? INFINITY : scaled;
	return x != x ? x : scaled;
}

#endif
