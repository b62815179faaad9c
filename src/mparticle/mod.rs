//! mparticle
