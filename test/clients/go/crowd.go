package main

import (
	"sync"
	"time"
)

// call makes one call and returns how it ended, "" for success.
type call func() string

const (
	// Together they are more than a connection may have open by default.
	oversizedCalls = 60
	plainCalls     = 240
	// More than APP_MAX_BODY_BYTES by default.
	oversizedBytes = 300_000

	impatientCallers = 240
	impatience       = 20 * time.Millisecond
	// How long an impatient caller waits before it calls again.
	pause = 100 * time.Millisecond
	rush  = 2 * time.Second
)

// oversizedThenPlain makes all oversized calls at once, and all plain ones at once when those have been answered.
func oversizedThenPlain(oversized, plain call) outcome {
	others := together(oversizedCalls, oversized)
	failures := together(plainCalls, plain)
	delete(failures, "")
	return outcome{Calls: plainCalls, Failures: failures, Others: others}
}

// patientBesideImpatient makes impatient calls side by side for the time of a rush, and one patient call after another.
func patientBesideImpatient(impatient, patient call) outcome {
	over := time.Now().Add(rush)
	result := outcome{Failures: map[string]int{}, Others: map[string]int{}}
	var mutex sync.Mutex
	var group sync.WaitGroup
	for range impatientCallers {
		group.Go(func() {
			for time.Now().Before(over) {
				end := impatient()
				mutex.Lock()
				result.Others[end]++
				mutex.Unlock()
				time.Sleep(pause)
			}
		})
	}
	for time.Now().Before(over) {
		result.Calls++
		if end := patient(); end != "" {
			result.Failures[end]++
		}
	}
	group.Wait()
	return result
}

// together makes calls at once and counts how they ended.
func together(count int, make call) map[string]int {
	var mutex sync.Mutex
	var group sync.WaitGroup
	ends := map[string]int{}
	for range count {
		group.Go(func() {
			end := make()
			mutex.Lock()
			defer mutex.Unlock()
			ends[end]++
		})
	}
	group.Wait()
	return ends
}
