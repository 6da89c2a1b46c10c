package frontrow

import (
	"math"
	"testing"
	"time"
)

func TestJitter(t *testing.T) {
	policy := RetryPolicy{}.withDefaults()
	refused := &Error{RetryDelay: time.Second}
	for attempt, longest := range map[int]time.Duration{
		1: 100 * time.Millisecond,
		2: 300 * time.Millisecond,
		3: 900 * time.Millisecond,
		4: 2 * time.Second,
		9: 2 * time.Second,
	} {
		least, most := time.Duration(math.MaxInt64), time.Duration(0)
		for range 1000 {
			jitter := policy.delayAfter(attempt, refused) - refused.RetryDelay
			least, most = min(least, jitter), max(most, jitter)
		}
		if least < 0 || least > longest/10 || most < longest/10*9 || most > longest {
			t.Errorf("attempt %d: found %v to %v, expected 0 to %v", attempt, least, most, longest)
		}
	}
}

func TestHugeDelaysDoNotOverflow(t *testing.T) {
	const huge = time.Duration(math.MaxInt64)
	policy := RetryPolicy{InitialBackoff: huge, MaxBackoff: huge}.withDefaults()
	for attempt := range 100 {
		if delay := policy.delayAfter(attempt, &Error{RetryDelay: huge}); delay < huge/2 {
			t.Fatalf("attempt %d: the delay is %v", attempt, delay)
		}
	}
}
